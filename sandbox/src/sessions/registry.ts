import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionSpec } from '@helix/contract/hosts'
import type { SessionId } from '@helix/contract/ids'
import type { LocalSession, SessionEnd } from './local-session.ts'

/** Units: milliseconds. A session that was placed here and is not started by then has been forgotten by its workflow. */
const claimLastsMs = 300_000

interface Claimed {
  epoch: number
  spec: SessionSpec
  at: number
}

/** What this boot knows of the sessions on this host. */
export class Registry {
  private readonly running = new Map<SessionId, LocalSession>()
  private readonly claimed = new Map<SessionId, Claimed>()
  private readonly tails = new Map<SessionId, Promise<unknown>>()
  private readonly changed: () => void

  /** `changed`: the number of sessions may be another. */
  constructor(changed: () => void) {
    this.changed = changed
  }

  /** Sessions that take room: running ones and those placed here that will start. */
  get size(): number {
    this.forgetOldClaims()
    return new Set([...this.running.keys(), ...this.claimed.keys()]).size
  }

  all(): LocalSession[] {
    return [...this.running.values()]
  }

  find(sessionId: SessionId): LocalSession | undefined {
    return this.running.get(sessionId)
  }

  /** As `find`, and waits while such a start is under way. Units: milliseconds. */
  async coming(sessionId: SessionId, epoch: number, deadlineMs: number): Promise<LocalSession | undefined> {
    const isThere = (): boolean => (this.running.get(sessionId)?.epoch ?? 0) >= epoch
    for (const end = Date.now() + deadlineMs; !isThere() && this.isBusy(sessionId) && Date.now() < end; ) await sleep(10)
    return this.find(sessionId)
  }

  /** A start takes the place of an earlier one. */
  add(session: LocalSession): void {
    this.running.get(session.sessionId)?.leave('The session was started again.', 'moved')
    this.running.set(session.sessionId, session)
    this.claimed.delete(session.sessionId)
    this.changed()
  }

  /** Nothing happens when a later start has taken its place. */
  drop(session: LocalSession, reason: string, how: SessionEnd = 'lost'): void {
    session.leave(reason, how)
    if (this.running.get(session.sessionId) !== session) return
    this.running.delete(session.sessionId)
    this.changed()
  }

  keepClaim(sessionId: SessionId, epoch: number, spec: SessionSpec): void {
    this.claimed.set(sessionId, { epoch, spec, at: Date.now() })
    this.changed()
  }

  /** A claim that no start has used yet. */
  findClaim(sessionId: SessionId, epoch: number): SessionSpec | null {
    const claim = this.claimed.get(sessionId)
    return claim?.epoch === epoch ? claim.spec : null
  }

  dropClaim(sessionId: SessionId): void {
    if (this.claimed.delete(sessionId)) this.changed()
  }

  /** Something is being done to the session. */
  isBusy(sessionId: SessionId): boolean {
    return this.tails.has(sessionId)
  }

  /** Something is being done to some session. */
  get anyBusy(): boolean {
    return this.tails.size > 0
  }

  /** One thing at a time is done to a session; the others wait in order. */
  async alone<T>(sessionId: SessionId, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(sessionId)
    const run = before === undefined ? work() : before.then(work)
    const tail = run.then(
      () => undefined,
      () => undefined,
    )
    this.tails.set(sessionId, tail)
    try {
      return await run
    } finally {
      if (this.tails.get(sessionId) === tail) this.tails.delete(sessionId)
    }
  }

  private forgetOldClaims(): void {
    for (const [sessionId, { at }] of this.claimed) {
      if (Date.now() - at > claimLastsMs) this.claimed.delete(sessionId)
    }
  }
}
