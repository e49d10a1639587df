import type { SessionId } from '@helix/contract/ids'
import type { HostUp, Kept } from '@helix/contract/link'
import type { Logger } from 'pino'
import { JournalForwarder } from '../link/journal-forwarder.ts'
import { SupervisorLink } from './supervisor-link.ts'

export interface LocalSessionInput {
  sessionId: SessionId
  epoch: number
  containerId: string
  address: string
  secret: string
  log: Logger
  send(frame: HostUp): boolean
  /** See `SupervisorLinkOptions`. */
  offered(sessionId: SessionId, what: Kept): Promise<void>
  /** The connection is disturbed: look whether the container lives. */
  disturbed(session: LocalSession): void
}

/** How a start ended: by this host or the control plane, on purpose or not. `left`: it runs on, and this process goes. */
export type SessionEnd = 'suspended' | 'stopped' | 'moved' | 'lost' | 'left'

/** One running start of a session on this host: its container, the link to its supervisor, and its journal on the way up. */
export class LocalSession {
  readonly sessionId: SessionId
  readonly epoch: number
  readonly containerId: string
  /** Host and port of its supervisor. */
  readonly address: string
  /** Resolves when whoever began it told of its start, or cannot; null: an earlier boot began it. */
  startTold: Promise<void> | null = null
  readonly link: SupervisorLink
  readonly journal: JournalForwarder
  /** Units: milliseconds of the epoch. When it was last seen to do something. */
  activeAt = Date.now()
  /** Something begins in its conversation that people look for in its recording. */
  chapterBegan: (() => void) | null = null
  /** Somebody stops it, and says why when it is done: that its container ends is no news then. */
  stopping = false
  private readonly end = Promise.withResolvers<string>()
  private reason: string | null = null
  private how: SessionEnd = 'lost'

  constructor(input: LocalSessionInput) {
    const { sessionId, epoch } = input
    this.sessionId = sessionId
    this.epoch = epoch
    this.containerId = input.containerId
    this.address = input.address
    this.journal = new JournalForwarder({ sessionId, epoch }, input.send, {
      acknowledge: (upTo) => this.link.acknowledge(upTo),
      restart: () => this.link.redial(),
    })
    this.link = new SupervisorLink({
      address: input.address,
      secret: input.secret,
      sessionId,
      epoch,
      log: input.log,
      entries: (entries) => {
        this.activeAt = Date.now()
        this.journal.accept(entries)
        if (entries.some(({ payload }) => payload.kind === 'prompt' || (payload.kind === 'tool' && payload.title !== undefined)))
          this.chapterBegan?.()
      },
      offered: (what) => input.offered(sessionId, what),
      disturbed: () => input.disturbed(this),
    })
  }

  /** Takes prompts, and works on none. */
  get idle(): boolean {
    return this.link.status?.state === 'ready' && this.link.silentMs === 0
  }

  /** Resolves with the reason when this start is over. */
  get gone(): Promise<string> {
    return this.end.promise
  }

  get ended(): SessionEnd {
    return this.how
  }

  get over(): string | null {
    return this.reason
  }

  /** This start is over, whoever ended it; the first reason counts. */
  leave(reason: string, how: SessionEnd): void {
    if (this.reason !== null) return
    this.reason = reason
    this.how = how
    this.link.close()
    this.end.resolve(reason)
  }
}
