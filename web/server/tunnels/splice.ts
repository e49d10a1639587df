import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Duplex } from 'node:stream'
import { HelixError } from '@helix/contract/errors'

/** Two connections become one; the end of either is the end of both. */
export function splice(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
    from.pipe(to)
  }
}

export interface Upgraded {
  response: IncomingMessage
  socket: Duplex
}

/**
 * Asks another server to become a pipe. An answer that is none is thrown in the words of the other side where those are ours.
 */
export function upgrade(input: {
  url: string
  headers: Record<string, string | string[] | undefined>
  deadlineMs: number
  createConnection?: () => Duplex
}): Promise<Upgraded> {
  const { url, headers, deadlineMs, createConnection } = input
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<string, string>
  return new Promise((resolve, reject) => {
    // A signal would end the pipe too, long after the answer.
    const timer = setTimeout(() => request.destroy(new Error('too late')), deadlineMs)
    const request = (url.startsWith('https:') ? requestHttps : requestHttp)(url, {
      headers: given,
      ...(createConnection === undefined ? { agent: false } : { createConnection: createConnection as never }),
    })
    request.once('upgrade', (response, socket, head) => {
      clearTimeout(timer)
      if (head.length > 0) socket.unshift(head)
      resolve({ response, socket })
    })
    request.once('close', () => clearTimeout(timer))
    request.once('response', (response) => void refusalOf(response).then(reject, reject))
    request.once('error', (error) => reject(new HelixError('machine_unavailable', `It does not answer: ${error.message}`)))
    request.end()
  })
}

/** The answer of another server that became a pipe, for whoever asked us. */
export function answerHead({ headers }: IncomingMessage): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`
}

async function refusalOf(response: IncomingMessage): Promise<HelixError> {
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    if (text.length > 10_000) break
  }
  response.destroy()
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string } }
    if (error.code === 'conflict' || error.code === 'not_found') return new HelixError(error.code, error.message)
    return new HelixError('machine_unavailable', error.message)
  } catch {
    return new HelixError('machine_unavailable', `It answers with HTTP ${response.statusCode}.`)
  }
}

/** A refusal before the upgrade, in the shape of every error of Helix. */
export function refuse(socket: Duplex, error: unknown): void {
  const known = error instanceof HelixError ? error : new HelixError('internal')
  const body = JSON.stringify({ error: { code: known.code, message: known.message, requestId: '' } })
  const head = `HTTP/1.1 ${known.status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`
  socket.end(head + body)
}
