import { HelixError } from '@helix/contract/errors'
import { keyOf } from '../choice/key.ts'
import { errorEvents } from '../door/refusal.ts'
import { countsOf } from '../tap/counts.ts'
import { idOf, StreamTap } from '../tap/stream.ts'
import { parsedOr, readUsage, type Usage, usageWithin } from '../tap/usage.ts'
import { collect, pipePlain } from '../upstream/decoded.ts'
import type { Sink } from '../upstream/exchange.ts'
import type { Account } from './account.ts'
import type { Begun, Refused } from './attempts.ts'
import { type Call, nonsense, type Parts } from './call.ts'
import { noteResponse } from './chained.ts'

/** Units: bytes; an answer that is not a stream. */
export const largestAnswer = 32 * 1024 * 1024
/** Units: bytes. A larger one is not parsed on the event loop: usage is looked up at its end. */
const largestParsed = 1024 * 1024
const tail = 64 * 1024
/** Units: milliseconds. Who takes nothing for so long has left. */
export const stalledMs = 300_000

type Passed = Extract<Begun, { kind: 'passed' }>

/** A client that takes nothing more is waited for, but not for ever. */
export function sinkOf(call: Call, write: (chunk: Buffer) => boolean): Sink {
  return {
    write,
    onDrain(goOn) {
      const stalled = setTimeout(() => call.response.destroy(), stalledMs)
      const end = (): void => {
        clearTimeout(stalled)
        call.response.off('drain', drained).off('close', end)
      }
      const drained = (): void => {
        end()
        goOn()
      }
      call.response.on('drain', drained).on('close', end)
    },
  }
}

export const sizesOf = ({ body, scanned }: Call, said: number) => ({
  body: body.length,
  mediaBytes: scanned?.mediaBytes ?? 0,
  media: scanned?.media ?? 0,
  said,
})

/** What a whole answer says of usage; throws for what is no JSON. */
function usageOf(call: Call, { candidate, head }: Passed, text: Buffer): Usage | null {
  const { dialect } = call.route
  if (text.length > largestParsed) return usageWithin(dialect, text.toString('latin1', text.length - tail), null)
  const body = parsedOr(text.toString('utf8'))
  if (typeof body !== 'object' || body === null) throw nonsense(candidate, `${head.status} with something that is not JSON`)
  // Google's stream without server-sent events is one array of answers.
  const all = (Array.isArray(body) ? body : [body]) as Record<string, unknown>[]
  return all.reduce<Usage | null>((usage, one) => readUsage(dialect, one, usage), null)
}

async function whole(call: Call, begun: Passed, account: Account, parts: Parts): Promise<void> {
  const { candidate, exchange, head } = begun
  const text = await collect(exchange, head.headers['content-encoding'], largestAnswer).catch((error: Error) => {
    if (call.left.aborted) throw error
    throw nonsense(candidate, `half: ${error.message}`)
  })
  let usage: Usage | null
  try {
    usage = usageOf(call, begun, text)
  } catch (error) {
    parts.breaker.failed(keyOf(candidate), (error as Error).message)
    throw error
  }
  account.first()
  const said = usage === null ? text.length : 0
  const counts = countsOf(usage, true, sizesOf(call, said))
  noteResponse(call, parts, candidate, idOf(text.toString('latin1', 0, 4096)), counts.input + counts.output)
  call.response.writeHead(head.status, { 'content-type': head.headers['content-type'], 'content-length': text.length }).end(text)
  account.end(head.status, counts)
}

/** Ends a stream that broke after its beginning with an error that the dialect's clients throw. */
export function endBroken(call: Call, error: HelixError, atEvent: boolean): void {
  const { dialect } = call.route
  if (call.response.writableEnded || dialect === null) return
  call.response.end(`${atEvent ? '' : '\n\n'}${errorEvents(dialect, error, call.id)}`)
}

async function stream(call: Call, begun: Passed, account: Account, parts: Parts): Promise<void> {
  const { candidate, exchange, head } = begun
  const { response } = call
  const tap = new StreamTap(call.route.dialect ?? 'chat')
  const write = (chunk: Buffer): boolean => {
    let more = true
    for (const part of tap.lines.take(chunk)) more = send(part)
    return more
  }
  // A stream that breaks before it said anything is answered as an error, not as an empty stream.
  const send = (part: Buffer): boolean => {
    account.first()
    if (!response.headersSent)
      response.writeHead(head.status, { 'content-type': head.headers['content-type'], 'cache-control': 'no-store' })
    return response.write(part)
  }
  const counts = () => countsOf(tap.usage, tap.complete, sizesOf(call, tap.said))
  const whole = (): boolean => {
    for (const part of tap.finish()) send(part)
    if (!tap.complete) return false
    response.end(tap.lines.atEvent ? '' : '\n\n')
    const { input, output } = counts()
    noteResponse(call, parts, candidate, tap.responseId, input + output)
    account.end(head.status, counts())
    return true
  }
  try {
    await pipePlain(exchange, head.headers['content-encoding'], sinkOf(call, write))
    if (!whole()) throw nonsense(candidate, 'a stream without its end')
  } catch (error) {
    // What breaks behind the last event took nothing away.
    if (!call.left.aborted && whole()) return
    const why = call.left.reason instanceof HelixError ? call.left.reason : error
    const known = why instanceof HelixError ? why : nonsense(candidate, 'a stream that broke')
    if (call.left.aborted && !(call.left.reason instanceof HelixError)) return account.end(499, counts())
    parts.log.warn({ err: error, requestId: call.id, provider: candidate.provider }, 'a stream of inference broke')
    if (!call.left.aborted) parts.breaker.failed(keyOf(candidate), known.message)
    if (!response.headersSent) throw known
    account.end(known.status, counts())
    endBroken(call, known, tap.lines.atEvent)
  }
}

/** Hands an answer of the client's own dialect over, byte for byte. */
export async function deliver(call: Call, begun: Passed, account: Account, parts: Parts): Promise<void> {
  const { candidate, exchange, head } = begun
  const type = String(head.headers['content-type'] ?? '').toLowerCase()
  if (head.status < 300 && type.includes('application/json')) return whole(call, begun, account, parts)
  if (head.status < 300 && type.includes('text/event-stream')) return stream(call, begun, account, parts)
  const error = nonsense(candidate, `${head.status} with "${type.slice(0, 100) || 'no content type'}"`)
  exchange.abort(error)
  parts.breaker.failed(keyOf(candidate), error.message)
  throw error
}

/** Hands on why nobody did it: the provider's own words, unless they are about its key and not about the call. */
export function deliverRefusal(call: Call, refused: Refused, account: Account): void {
  const { candidate, status, contentType, body, retryAfterMs } = refused
  if (status === 401 || status === 403)
    throw new HelixError(
      'provider_failed',
      `The provider ${candidate.provider} refuses the key that is set for it: an administrator must look at it.`,
    )
  if (!contentType.includes('application/json'))
    throw nonsense(candidate, `${status} with "${contentType.slice(0, 100) || 'no content type'}"`)
  if (retryAfterMs !== null) call.response.setHeader('retry-after', String(Math.ceil(retryAfterMs / 1000)))
  account.first()
  call.response.writeHead(status, { 'content-type': contentType, 'content-length': body.length }).end(body)
  account.end(status)
}
