import { maskOf } from '../catalogue/mask.ts'
import type { Candidate, Policy } from '../ports/candidate.ts'
import type { Call } from './call.ts'

const askUsage = Buffer.from('"stream_options":{"include_usage":true},')

interface Edit {
  start: number
  end: number
  bytes: Buffer
}

function edited(body: Buffer, edits: Edit[]): Buffer {
  if (edits.length === 0) return body
  const parts: Buffer[] = []
  let at = 0
  for (const { start, end, bytes } of edits.toSorted((a, b) => a.start - b.start)) {
    parts.push(body.subarray(at, start), bytes)
    at = end
  }
  return Buffer.concat([...parts, body.subarray(at)])
}

/**
 * The body as a provider is to have it: byte for byte the client’s, but for the model’s name where an alias was asked for, the wish for usage at the end of a stream
 * of chat completions, and secrets of the project.
 */
export function bodyFor(call: Call, candidate: Candidate, policy: Policy): Buffer {
  const { body, scanned, route } = call
  const edits: Edit[] = []
  const model = scanned?.fields.get('model')
  if (model !== undefined && candidate.model !== call.asked) edits.push({ ...model, bytes: Buffer.from(JSON.stringify(candidate.model)) })
  if (route.dialect === 'chat' && call.streamed && scanned?.fields.has('stream_options') === false) {
    const start = body.indexOf(0x7b) + 1
    edits.push({ start, end: start, bytes: askUsage })
  }
  return maskOf(policy.masked)(edited(body, edits))
}
