import { HelixError } from '@helix/contract/errors'
import { fieldOf } from '../door/scan.ts'
import type { Candidate } from '../ports/candidate.ts'
import { passes } from './attempts.ts'
import type { Call, Parts } from './call.ts'

const refused = (field: string, why: string): HelixError =>
  new HelixError('invalid_request', `${field}: ${why}`, { fields: { [field]: why } })

/** Those who may go on with a stored response, and how many tokens it brings into the prompt. */
export async function goingOn(
  call: Call,
  parts: Parts,
  candidates: readonly Candidate[],
): Promise<{ candidates: readonly Candidate[]; tokens: number }> {
  if (call.route.dialect !== 'responses' || call.scanned === null) return { candidates, tokens: 0 }
  const field = (name: string): unknown => (call.scanned === null ? null : fieldOf(call.body, call.scanned, name))
  if (field('background') === true)
    throw refused('background', 'is not offered: what it costs would be known when nobody listens any more.')
  if ((field('conversation') ?? null) !== null) throw refused('conversation', 'is not offered: send the items, or previous_response_id.')
  const previous = field('previous_response_id') ?? null
  if (previous === null) return { candidates, tokens: 0 }
  const one = typeof previous === 'string' ? await parts.objects.find(call.caller.scope.orgId, 'response', previous) : null
  if (one === null) {
    // Who translates may keep conversations of its own.
    const others = candidates.filter((candidate) => !passes(candidate, 'responses'))
    if (others.length > 0) return { candidates: others, tokens: 0 }
    throw new HelixError('not_found', 'previous_response_id: there is no such response, or it is not yours to go on with.')
  }
  const keepers = candidates.filter(({ providerId, key }) => providerId === one.providerId && key.id === one.keyId)
  if (keepers.length === 0) throw refused('previous_response_id', 'is kept by a provider that does not have this model.')
  return { candidates: keepers, tokens: one.tokens }
}

/** A response that its provider keeps is noted for its organisation. */
export function noteResponse(call: Call, parts: Parts, candidate: Candidate, id: string | null, tokens: number): void {
  if (call.route.dialect !== 'responses' || id === null || call.scanned === null) return
  if (fieldOf(call.body, call.scanned, 'store') === false) return
  const { orgId } = call.caller.scope
  parts.objects.made({ providerId: candidate.providerId, id, orgId, kind: 'response', keyId: candidate.key.id, model: call.asked, tokens })
}
