import type { IncomingHttpHeaders } from 'node:http'
import { type Mask, maskOf } from '../../gateway/catalogue/mask.ts'
import { collect, pipePlain } from '../../gateway/upstream/decoded.ts'
import type { Exchange, Head } from '../../gateway/upstream/exchange.ts'
import { readAnswer } from './answers.ts'
import type { Call } from './call.ts'
import { dataOf, EventCutter, withData } from './events.ts'
import { failed, type McpFault, tooLarge } from './fault.ts'

/** What a server may say to an agent by headers. */
const passed = ['mcp-session-id', 'mcp-protocol-version', 'retry-after', 'allow'] as const

const typeOf = (headers: IncomingHttpHeaders): string => String(headers['content-type'] ?? '').toLowerCase()

/** Throws for heads that an agent must not follow. */
function checkHead({ status }: Head, name: string): void {
  if (status >= 300 && status < 400)
    throw failed(
      `The MCP server ${name} redirects elsewhere, which is not followed. Its address in the project’s settings must be the last one.`,
    )
  if (status === 401 || status === 403)
    throw failed(
      `The MCP server ${name} refuses the credentials (${status}). Whoever may change the project (an admin) sets them in its settings, under MCP servers.`,
    )
}

function writeHead(call: Call, { status, headers }: Head, contentType: string | null): void {
  const { response } = call
  for (const name of passed) {
    const value = headers[name]
    if (typeof value === 'string') response.setHeader(name, value)
  }
  if (contentType !== null) response.setHeader('content-type', contentType)
  response.setHeader('cache-control', 'no-store')
  response.writeHead(status)
}

const tooMuch = ({ server }: Call): McpFault =>
  tooLarge(502, `The answer of the MCP server ${server.name} is larger than ${server.maxAnswerBytes / 1024 ** 2} MB. Ask for less at once.`)

/** The text as the agent gets it. What it answers is settled. */
function readInto(call: Call, text: string): string | null {
  const { changed, answered } = readAnswer(text, call.server)
  for (const { id, failed: bad } of answered) call.settle(id, bad ? 'error' : 'ok')
  return changed
}

async function deliverWhole(call: Call, exchange: Exchange, head: Head, mask: Mask): Promise<void> {
  const { maxAnswerBytes } = call.server
  const encoding = String(head.headers['content-encoding'] ?? '')
  const body = await collect(exchange, encoding, maxAnswerBytes).catch((error: Error) => {
    throw /^more than /.test(error.message) ? tooMuch(call) : error
  })
  call.answerBytes = body.length
  const json = typeOf(head.headers).startsWith('application/json')
  const changed = json ? readInto(call, body.toString('utf8')) : null
  const answer = mask(changed === null ? body : Buffer.from(changed))
  if (head.status >= 400) call.endAs('error')
  // Whatever else it calls itself, no browser is to take it for a page.
  writeHead(call, head, body.length === 0 ? null : json ? 'application/json' : 'text/plain; charset=utf-8')
  call.response.write(answer)
}

/** Passes each event on as it comes. A stream that an agent holds open has no end: there the limit is one event’s. */
async function deliverEvents(call: Call, exchange: Exchange, head: Head, mask: Mask): Promise<void> {
  const { response, server } = call
  const cutter = new EventCutter()
  writeHead(call, head, 'text/event-stream')
  response.flushHeaders()
  const pass = (event: string): boolean => {
    const data = dataOf(event)
    const changed = data === null || data === '' ? null : readInto(call, data)
    return response.write(mask(Buffer.from(changed === null ? event : withData(event, changed))))
  }
  await pipePlain(exchange, String(head.headers['content-encoding'] ?? ''), {
    write: (chunk) => {
      call.answerBytes += chunk.length
      const events = cutter.push(chunk)
      const over = call.method === 'POST' ? call.answerBytes : cutter.waiting
      if (over > server.maxAnswerBytes) {
        exchange.abort(tooMuch(call))
        return true
      }
      let more = true
      for (const event of events) more = pass(event)
      return more
    },
    onDrain: (goOn) => void response.once('drain', goOn),
  })
}

/** Gives the agent what the server answers, filtered and without secrets; everything but the end of the response. */
export async function deliver(call: Call, exchange: Exchange): Promise<void> {
  const head = await exchange.head
  checkHead(head, call.server.name)
  const mask = maskOf(call.server.secrets)
  if (typeOf(head.headers).startsWith('text/event-stream')) await deliverEvents(call, exchange, head, mask)
  else await deliverWhole(call, exchange, head, mask)
}
