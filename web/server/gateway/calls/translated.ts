import { HelixError } from '@helix/contract/errors'
import { maskOf } from '../catalogue/mask.ts'
import type { Candidate, Policy } from '../ports/candidate.ts'
import { addedHeaders } from '../upstream/requests.ts'
import type { Begun, Refused } from './attempts.ts'
import type { Call, Parts } from './call.ts'

function parsed(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString('utf8')) as Record<string, unknown>
  } catch (error) {
    if (error instanceof SyntaxError) throw new HelixError('invalid_request', 'The body is not a JSON object.')
    throw error
  }
}

/** Asks a provider that does not speak the dialect. */
export async function askTranslated(call: Call, parts: Parts, candidate: Candidate, policy: Policy): Promise<Begun | Refused> {
  const { dialect } = call.route
  if (dialect === null) throw new HelixError('invalid_request', `${candidate.provider} does not do this.`)
  const body = parsed(maskOf(policy.masked)(call.body))
  const answer = await parts.translate({
    dialect,
    candidate,
    body,
    streamed: call.streamed,
    headers: addedHeaders(policy.headers),
    signal: call.left,
  })
  if (answer.status < 400) return { candidate, kind: 'translated', answer }
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body) chunks.push(chunk)
  const { status, contentType, retryAfterMs } = answer
  return { candidate, kind: 'refused', status, contentType, retryAfterMs, body: Buffer.concat(chunks) }
}
