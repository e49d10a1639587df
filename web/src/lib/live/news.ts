import type { HelixEvent } from '@helix/contract/events'

export interface Numbered {
  id: number
  event: HelixEvent
}

/** A piece of the log: everything of it that this person may see, after one number and up to another. */
export interface News {
  /** Null: what was before is not known; what is shown must be read again. */
  after: number | null
  upTo: number
  events: Numbered[]
}

export type LiveState = 'off' | 'connecting' | 'live' | 'polling' | 'reconnecting'

/** Who takes news in. */
export interface Sink {
  /** The newest number that was taken; null: none yet. */
  last(): number | null
  /** False: between the last news and these something is missing, or nobody knows; ask for what came after `last`. */
  take(news: News): boolean
  /** What came after this number, as far as it is remembered. Null: unknown. Null is answered before the first news. */
  since(id: number | null): News | null
  say(state: LiveState): void
}

/** Where news come from: a stream, or another tab. */
export interface Feed {
  start(sink: Sink): void
  stop(): void
  /** Something speaks for trying again at once: the network is back. */
  nudge(): void
}
