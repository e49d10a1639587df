import type { ResponseOf } from '@helix/contract/endpoint'
import type { HelixEvent } from '@helix/contract/events'
import { getSessionAgent } from '@helix/contract/session-agent'
import { getSession, type Session } from '@helix/contract/sessions'
import { call } from '#lib/api.ts'
import { JournalState } from '#lib/conversation/journal.svelte.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'

export type SessionAgent = ResponseOf<typeof getSessionAgent>

/** One session, its agent and its conversation, kept current by events. */
export class SessionState {
  session = $state.raw<Session>() as Session
  agent = $state.raw<SessionAgent>() as SessionAgent
  failure = $state.raw<Failure | null>(null)
  readonly journal: JournalState
  readonly reread: () => void

  constructor(
    first: { session: Session; agent: SessionAgent; journal: ConstructorParameters<typeof JournalState>[1] },
    since: string | null,
  ) {
    this.session = first.session
    this.agent = first.agent
    this.journal = new JournalState(first.session.id, first.journal)
    this.reread = collapse(() => this.read())
    follow(
      since,
      (event) => this.take(event),
      () => {
        this.reread()
        this.journal.advance()
      },
    )
  }

  private take(event: HelixEvent): void {
    if (!('sessionId' in event) || event.sessionId !== this.session.id) return
    if (event.type === 'session.journal') this.journal.advance(event.upTo)
    else this.reread()
  }

  private async read(): Promise<void> {
    const params = { sessionId: this.session.id }
    try {
      ;[this.session, this.agent] = await Promise.all([call(getSession, { params }), call(getSessionAgent, { params })])
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }
}
