import { HelixError } from '@helix/contract/errors'
import { keyOf } from '../choice/key.ts'
import { ordered } from '../choice/order.ts'
import type { Candidate } from '../ports/candidate.ts'
import { countsOf } from '../tap/counts.ts'
import { usageWithin } from '../tap/usage.ts'
import { pipePlain } from '../upstream/decoded.ts'
import { type Account, worstOf } from './account.ts'
import { Attempts, type Begun } from './attempts.ts'
import { type Call, nonsense, type Parts } from './call.ts'
import { nobody } from './converse.ts'
import { deliverRefusal, sinkOf, sizesOf } from './deliver.ts'

/** Of an answer, the end in which usage stands. */
const tail = 64 * 1024
/** Tokens of an answer that is sound or a picture. */
const longest: Readonly<Record<string, number>> = { embeddings: 0, audio: 16_384, images: 16_384 }
const kinds: Readonly<Record<string, readonly Candidate['kind'][]>> = {
  openai: ['openai', 'openai_compatible', 'azure_openai'],
  anthropic: ['anthropic'],
  google: ['gemini'],
}

/** Whose API the caller speaks. */
export const kindsOf = ({ route }: Pick<Call, 'route'>): readonly Candidate['kind'][] => kinds[route.words] ?? []

/** Whatever the provider answers passes as it comes: JSON, sound, pictures, events. */
export async function passOn(call: Call, begun: Extract<Begun, { kind: 'passed' }>, account: Account, parts: Parts): Promise<void> {
  const { candidate, exchange, head } = begun
  const { response } = call
  const type = String(head.headers['content-type'] ?? '')
  if (head.status >= 300) {
    exchange.abort(new Error('redirected'))
    throw nonsense(candidate, `${head.status} with "${type.slice(0, 100)}"`)
  }
  const headers: Record<string, string> = { 'cache-control': 'no-store' }
  for (const name of ['content-type', 'content-disposition'])
    if (head.headers[name] !== undefined) headers[name] = String(head.headers[name])
  response.writeHead(head.status, headers)
  const readable = /json|event-stream/.test(type)
  let last = Buffer.alloc(0)
  const write = (chunk: Buffer): boolean => {
    account.first()
    if (readable) last = last.length + chunk.length <= tail ? Buffer.concat([last, chunk]) : Buffer.concat([last, chunk]).subarray(-tail)
    return response.write(chunk)
  }
  const counts = (whole: boolean) => countsOf(usageWithin(null, last.toString('latin1'), null), whole, sizesOf(call, 0))
  try {
    await pipePlain(exchange, head.headers['content-encoding'], sinkOf(call, write))
    response.end()
    account.end(head.status, counts(true))
  } catch (error) {
    if (call.left.aborted && !(call.left.reason instanceof HelixError)) return account.end(499, counts(false))
    parts.log.warn({ err: error, requestId: call.id, provider: candidate.provider }, 'an answer of a provider broke')
    parts.breaker.failed(keyOf(candidate), `${candidate.provider} broke off an answer.`)
    account.end(502, counts(false))
    // There is no error in the middle of a sound: the client sees that the connection broke.
    response.destroy()
  }
}

/** Embeddings, sounds and pictures: to a provider of the same API, and back untouched. */
export async function pass(call: Call, parts: Parts, account: Account): Promise<void> {
  const { scope } = call.caller
  const { does } = call.route
  const [policy, found] = [await parts.catalogue.policyOf(scope), await parts.catalogue.candidates(scope, call.asked)]
  if (found.length === 0) throw nobody(call)
  const able = ordered(found, policy.choose, parts.breaker).filter(({ kind }) => kindsOf(call).includes(kind))
  if (able.length === 0) throw new HelixError('invalid_request', `model: the provider of "${call.asked.slice(0, 100)}" does not do this.`)
  account.hold = await parts.holds.reserve(scope, worstOf(call, able, longest[does] ?? null))
  const begun = await new Attempts(call, parts, account, policy).begin(able)
  if (begun.kind === 'refused') return deliverRefusal(call, begun, account)
  if (begun.kind === 'passed') return passOn(call, begun, account, parts)
  throw new HelixError('internal')
}
