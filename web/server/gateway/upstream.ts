import type { IncomingHttpHeaders } from 'node:http'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HelixError } from '@helix/contract/errors'
import type { Response } from 'express'
import { Pool } from 'undici'
import type { Provider } from './providers.ts'
import { readUsage, type Usage, UsageTap } from './usage.ts'

/** Units: bytes; an answer that is not a stream. */
const largestAnswer = 32 * 1024 * 1024
const pools = new Map<string, Pool>()

/** One pool for each provider and key. */
function poolOf(provider: Provider): Pool {
  const key = `${provider.baseUrl} ${provider.apiKey}`
  const known = pools.get(key)
  if (known !== undefined) return known
  const pool = new Pool(new URL(provider.baseUrl).origin, { connections: 128, headersTimeout: 300_000, bodyTimeout: 300_000 })
  pools.set(key, pool)
  return pool
}

function headersFor(provider: Provider, given: IncomingHttpHeaders): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json', accept: String(given.accept ?? 'application/json') }
  if (provider.dialect === 'openai') return { ...headers, authorization: `Bearer ${provider.apiKey}` }
  for (const name of ['anthropic-version', 'anthropic-beta']) if (given[name] !== undefined) headers[name] = String(given[name])
  return { 'anthropic-version': '2023-06-01', ...headers, 'x-api-key': provider.apiKey }
}

export interface Forwarded {
  status: number
  usage: Usage
}

export interface Call {
  provider: Provider
  /** Under the provider's `/v1`, with the query. */
  path: string
  method: 'GET' | 'POST'
  headers: IncomingHttpHeaders
  body: Buffer | null
  signal: AbortSignal
}

const nonsense = (provider: Provider, what: string): HelixError =>
  new HelixError('provider_failed', `The provider ${provider.name} answered ${what}.`)

async function send({ provider, path, method, headers, body, signal }: Call) {
  const request = { path: `${new URL(provider.baseUrl).pathname}${path}`, method, headers: headersFor(provider, headers), body, signal }
  for (let attempt = 1; ; attempt++) {
    try {
      return await poolOf(provider).request(request)
    } catch (error) {
      if (signal.aborted) throw error
      // Nothing was answered yet: one more try is safe.
      if (attempt >= 2)
        throw new HelixError(
          'provider_failed',
          `The provider ${provider.name} does not answer: ${error instanceof Error ? error.message : error}`,
        )
    }
  }
}

async function whole(call: Call, body: AsyncIterable<Buffer>, response: Response, status: number): Promise<Forwarded> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > largestAnswer) throw nonsense(call.provider, 'more than 32 MiB')
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks)
  const usage: Usage = { inputTokens: null, outputTokens: null }
  try {
    readUsage(JSON.parse(text.toString('utf8')), usage)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw nonsense(call.provider, `${status} with something that is not JSON`)
  }
  response.status(status).type('json').send(text)
  return { status, usage }
}

/**
 * Forwards one call and its answer. Streams pass byte for byte with back-pressure; when the client leaves, the provider's side is aborted. Throws
 * `provider_failed` for what is no answer of this dialect and for a stream that breaks.
 */
export async function forward(call: Call, response: Response): Promise<Forwarded> {
  const { statusCode, headers, body } = await send(call)
  const type = String(headers['content-type'] ?? '')
  if (type.includes('application/json')) return whole(call, body, response, statusCode)
  if (!type.includes('text/event-stream')) {
    await body.dump()
    throw nonsense(call.provider, `${statusCode} with "${type || 'no content type'}"`)
  }
  response.writeHead(statusCode, { 'content-type': type, 'cache-control': 'no-store' })
  const tap = new UsageTap(call.provider.dialect)
  const out = new PassThrough()
  out.pipe(response, { end: false })
  try {
    await pipeline(body, tap, out, { signal: call.signal })
  } catch (error) {
    if (call.signal.aborted) throw error
    throw nonsense(call.provider, 'a stream that broke')
  }
  if (!tap.complete) throw nonsense(call.provider, 'a stream without its end')
  response.end()
  return { status: statusCode, usage: tap.usage }
}
