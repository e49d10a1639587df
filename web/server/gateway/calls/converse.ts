import { HelixError } from '@helix/contract/errors'
import { ordered } from '../choice/order.ts'
import { fieldOf } from '../door/scan.ts'
import type { Candidate } from '../ports/candidate.ts'
import { type Account, worstOf } from './account.ts'
import { Attempts, passes } from './attempts.ts'
import type { Call, Parts } from './call.ts'
import { goingOn } from './chained.ts'
import { deliver, deliverRefusal } from './deliver.ts'
import { deliverTranslated } from './deliver-translated.ts'

/** Fields of a body that the gateway looks at; all others are the provider's. */
export const lookedAt: ReadonlySet<string> = new Set([
  ...['model', 'stream', 'stream_options', 'n', 'max_tokens', 'max_completion_tokens', 'max_output_tokens', 'previous_response_id'],
  ...['store', 'background', 'conversation'],
  ...['generationConfig', 'generation_config'],
])

const positive = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.ceil(value) : null

/** The longest answer that the caller allows, and how many of them; null: it does not say. */
function allowance(call: Call): { output: number | null; answers: number } {
  const { body, scanned, route } = call
  if (scanned === null) return { output: null, answers: 1 }
  const field = (name: string): number | null => positive(fieldOf(body, scanned, name))
  if (route.dialect !== 'generate')
    return { output: field('max_completion_tokens') ?? field('max_output_tokens') ?? field('max_tokens'), answers: field('n') ?? 1 }
  const config = (fieldOf(body, scanned, 'generationConfig') ?? fieldOf(body, scanned, 'generation_config') ?? {}) as Record<
    string,
    unknown
  >
  const of = (...names: string[]): number | null => names.map((name) => positive(config[name])).find((value) => value !== null) ?? null
  return { output: of('maxOutputTokens', 'max_output_tokens'), answers: of('candidateCount', 'candidate_count') ?? 1 }
}

export const nobody = (call: Call): HelixError =>
  new HelixError('not_found', `model: nobody here has "${call.asked.slice(0, 100)}", or it may not be used. GET /v1/models lists what may.`)

/** Those that speak the dialect go first among those of the same rank: what passes untouched loses nothing. */
function directFirst(call: Call, candidates: readonly Candidate[]): Candidate[] {
  const { dialect } = call.route
  const far = (one: Candidate): number => (dialect !== null && passes(one, dialect) ? 0 : 1)
  return candidates.toSorted((a, b) => a.rank - b.rank || far(a) - far(b))
}

/** One conversation, from the choice of who answers to the last byte. Throws what is to be said to the client before anything was. */
export async function converse(call: Call, parts: Parts, account: Account): Promise<void> {
  const { scope } = call.caller
  const [policy, found] = [await parts.catalogue.policyOf(scope), await parts.catalogue.candidates(scope, call.asked)]
  if (found.length === 0) throw nobody(call)
  const { candidates: able, tokens } = await goingOn(call, parts, found)
  const candidates = directFirst(call, ordered(able, policy.choose, parts.breaker))
  const { output, answers } = allowance(call)
  account.hold = await parts.holds.reserve(scope, worstOf(call, candidates, output, answers, tokens))
  const begun = await new Attempts(call, parts, account, policy).begin(candidates)
  if (begun.kind === 'refused') deliverRefusal(call, begun, account)
  else if (begun.kind === 'translated') await deliverTranslated(call, begun.answer, account, parts)
  else await deliver(call, begun, account, parts)
}
