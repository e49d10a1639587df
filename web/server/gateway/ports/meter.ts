import type { ConversationDialect } from './candidate.ts'
import type { Counts } from './counts.ts'
import type { Scope } from './scope.ts'

export type Operation = 'converse' | 'count_tokens' | 'embeddings' | 'audio' | 'images' | 'files' | 'stored'

/** One call, however it ended. Units: milliseconds, micro-dollars, unix milliseconds. */
export interface Metered {
  scope: Scope
  /** What the session was at; null where it is not known. */
  turn: { promptId: string | null; step: number | null } | null
  operation: Operation
  dialect: ConversationDialect | null
  providerId: string | null
  provider: string
  /** As asked for, and as the provider calls it. */
  asked: string
  model: string
  counts: Counts
  microUsd: number
  /** Of HTTP; 499: the client left. */
  status: number
  streamed: boolean
  startedAt: number
  firstByteMs: number | null
  durationMs: number
  attempts: number
  /** Names the call; a second row with the same is not written. */
  requestId: string
}

export interface Meter {
  /** Off the hot path: written within a second, in batches; none is lost when the process ends in peace. */
  record(call: Metered): void
}
