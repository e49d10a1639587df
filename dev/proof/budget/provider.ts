import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mostInput } from '@helix/web/server/gateway/tap/counts.ts'

/** Tokens that one call may answer with. */
const mostOutput = 100

/** Every call is the same to the byte, so that the most it can cost is one figure. */
const body = Buffer.from(
  JSON.stringify({ model: 'mock-1', max_tokens: mostOutput, messages: [{ role: 'user', content: 'Count to ten. '.repeat(20) }] }),
)
/** What a call costs at most, in tokens. */
export const worst = mostInput(body, { media: 0, mediaBytes: 0 }) + mostOutput

/** How a round's calls go: how long each takes, and what part of its worst case it costs. */
export interface Conduct {
  delayMs(): number
  part(): number
}

export interface Provider extends AsyncDisposable {
  url: string
  /** What all calls since `begin` have cost: counted when they arrive, whatever becomes of who asked. */
  readonly billed: number
  begin(conduct: Conduct): void
}

/** A provider on loopback that bills every call that reaches it. */
export async function openProvider(): Promise<Provider> {
  let billed = 0
  let conduct: Conduct = { delayMs: () => 0, part: () => 1 }
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.method !== 'POST')
        return void response.writeHead(200, json).end('{"object":"list","data":[{"id":"mock-1","object":"model"}]}')
      const total = Math.max(2, Math.floor(worst * conduct.part()))
      const output = Math.min(mostOutput, Math.floor(total / 2))
      billed += total
      const usage = { prompt_tokens: total - output, completion_tokens: output, total_tokens: total }
      const message = { role: 'assistant', content: 'One.' }
      const answer = { id: 'c', object: 'chat.completion', model: 'mock-1', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }
      setTimeout(() => response.writeHead(200, json).end(JSON.stringify(answer)), conduct.delayMs())
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get billed() {
      return billed
    },
    begin(next) {
      billed = 0
      conduct = next
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const json = { 'content-type': 'application/json' }

/** The status of one call through a control plane; 0: it did not answer. */
export async function callModel(url: string, key: string): Promise<number> {
  try {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body })
    await response.arrayBuffer()
    return response.status
  } catch {
    return 0
  }
}
