import type { Candidate, ConversationDialect } from './candidate.ts'
import type { Counts } from './counts.ts'

/** Asked where the candidate does not speak the dialect, and always for Vertex and Bedrock: they are asked in ways of their own. */
export interface Asked {
  dialect: ConversationDialect
  candidate: Candidate
  /** Parsed, as the client sent it. */
  body: Readonly<Record<string, unknown>>
  streamed: boolean
  headers: Readonly<Record<string, string>>
  signal: AbortSignal
}

/** An answer of another dialect, in the client’s. */
export interface Translated {
  status: number
  contentType: string
  /** Of a refusal, as the provider said. */
  retryAfterMs: number | null
  /** Server-sent events as they come, or the whole body in one piece. */
  body: AsyncIterable<Uint8Array>
  /** Known when the body has ended. */
  counts(): Counts | null
}

/** Throws `invalid_request` for what the candidate’s kind cannot do, naming the field; `provider_failed` before the first byte. */
export type Translate = (asked: Asked) => Promise<Translated>
