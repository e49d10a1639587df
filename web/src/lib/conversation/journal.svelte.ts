import type { ResponseOf } from '@helix/contract/endpoint'
import type { SessionId } from '@helix/contract/ids'
import { getJournal, type JournalEntry } from '@helix/contract/sessions'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { type Conversation, emptyConversation, fold } from './fold.ts'

type Journal = ResponseOf<typeof getJournal>

/** Units: entries. */
const batch = 500

/** The conversation of one session: the last entries at first, older ones on demand, new ones as they come. */
export class JournalState {
  conversation = $state.raw<Conversation>(emptyConversation)
  failure = $state.raw<Failure | null>(null)
  /** Older entries exist. */
  more = $state(false)
  loadingOlder = $state(false)
  readonly sessionId: SessionId
  private entries: JournalEntry[] = []
  private readonly read: () => void

  constructor(sessionId: SessionId, first: Journal | null) {
    this.sessionId = sessionId
    this.read = collapse(() => this.catchUp(), 30)
    if (first === null) this.read()
    else this.begin(first.entries)
  }

  private begin(entries: JournalEntry[]): void {
    this.entries = entries
    this.more = (entries[0]?.sequence ?? 1) > 1
    this.conversation = fold(emptyConversation, entries)
  }

  /** New entries exist, as far as the event says. Without a number: look. */
  advance(upTo?: number): void {
    if (upTo === undefined || upTo > this.conversation.upTo) this.read()
  }

  private async catchUp(): Promise<void> {
    try {
      for (;;) {
        const query = this.entries.length === 0 ? { limit: batch } : { after: this.conversation.upTo, limit: batch }
        const answer = await call(getJournal, { params: { sessionId: this.sessionId }, query })
        if (this.entries.length === 0) this.begin(answer.entries)
        else this.append(answer.entries)
        if (answer.entries.length === 0 || this.conversation.upTo >= answer.upTo) break
      }
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }

  private append(entries: JournalEntry[]): void {
    const fresh = entries.filter(({ sequence }) => sequence > this.conversation.upTo)
    this.entries.push(...fresh)
    this.conversation = fold(this.conversation, fresh)
  }

  async loadOlder(): Promise<void> {
    const first = this.entries[0]
    if (first === undefined || this.loadingOlder) return
    this.loadingOlder = true
    try {
      const answer = await call(getJournal, { params: { sessionId: this.sessionId }, query: { before: first.sequence, limit: batch } })
      this.begin([...answer.entries, ...this.entries])
    } catch (error) {
      this.failure = failureOf(error)
    }
    this.loadingOlder = false
  }
}
