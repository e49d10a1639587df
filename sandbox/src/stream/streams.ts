import type { HostId, SessionId } from '@helix/contract/ids'
import { type StreamClose, streamClose } from '@helix/contract/stream'
import type { StreamClaims, StreamKey, StreamSeat } from '@helix/contract/stream-tickets'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import type { SessionEnd } from '../sessions/local-session.ts'
import { Desktop, mostViewers } from './desktop.ts'
import { Passes } from './passes.ts'
import type { Subscriber } from './source.ts'
import { Tickets } from './tickets.ts'
import type { Viewer } from './viewer.ts'

/** Units: milliseconds. A session that is about to be here is waited for. */
const comingMs = 4000
const workedMs = 30_000
const closeMs = 2000
/** Of all sessions. */
const mostOfHost = 1000

/** What of a session on this host is needed to see its desktop. */
export interface Shown {
  sessionId: SessionId
  epoch: number
  address: string
  over: string | null
  readonly ended: SessionEnd
  readonly gone: Promise<string>
}

export interface StreamsInput {
  hostId: HostId
  /** As `Registry.coming` and `Registry.find`. */
  sessions: {
    coming(sessionId: SessionId, epoch: number, deadlineMs: number): Promise<Shown | undefined>
    find(sessionId: SessionId): Shown | undefined
  }
  linkSecret(sessionId: string, epoch: number): string
  log: Logger
}

const ends: Record<SessionEnd, [StreamClose, string]> = {
  suspended: ['session_suspended', 'The session was suspended: resume it to go on.'],
  stopped: ['session_stopped', 'The session has stopped.'],
  moved: ['session_moved', 'The session goes on elsewhere.'],
  lost: ['session_moved', 'The machine of the session ended.'],
  left: ['host_stopping', 'The sandbox host is started anew.'],
}

/** The desktops of this host’s sessions, while somebody looks at them. */
export class Streams {
  private readonly input: StreamsInput
  private readonly tickets: Tickets
  private readonly passes = new Passes()
  private readonly desktops = new Map<string, { desktop: Desktop; shown: Shown }>()
  private ending = false

  constructor(input: StreamsInput) {
    this.input = input
    this.tickets = new Tickets(input.hostId)
  }

  trust(keys: readonly StreamKey[]): void {
    this.tickets.trust(keys)
  }

  /** Viewers of all desktops. */
  get size(): number {
    return [...this.desktops.values()].reduce((sum, { desktop }) => sum + desktop.size, 0)
  }

  /** Somebody looks at the session’s desktop. */
  attended(sessionId: SessionId): boolean {
    return [...this.desktops.values()].some(({ desktop, shown }) => shown.sessionId === sessionId && desktop.attended)
  }

  /** Sessions whose desktops were worked in during the last half minute. */
  worked(now = Date.now()): SessionId[] {
    const all = [...this.desktops.values()].filter(({ desktop }) => now - desktop.workedAt < workedMs)
    return all.map(({ shown }) => shown.sessionId)
  }

  /** Who looks, each once. */
  seats(): StreamSeat[] {
    const all = [...this.desktops.values()].flatMap(({ desktop }) => desktop.seats)
    return [...new Map(all.map((seat) => [`${seat.sessionId}/${seat.userId}/${seat.right}`, seat])).values()].slice(0, mostOfHost)
  }

  /** Ends the connections of somebody who may not look any more, or not with that right. */
  unseat(seat: StreamSeat): void {
    for (const { desktop } of this.desktops.values()) desktop.unseat(seat)
  }

  /** A socket that shows a ticket, or a pass: it becomes a viewer, or is closed with the reason. */
  enter(socket: WebSocket, ticket: string, sessionId: SessionId, relayed: boolean): void {
    const former = this.passes.find(ticket, sessionId)
    const claims = former?.claims ?? this.tickets.take(ticket, sessionId)
    if (typeof claims === 'string') {
      refuse(socket, 'ticket_refused', `${claims} Ask for a new one.`)
      return
    }
    if (this.ending) {
      refuse(socket, ...ends.left)
      return
    }
    if (this.size >= mostOfHost) {
      refuse(socket, 'too_many', `${mostOfHost} viewers look at desktops of this host.`)
      return
    }
    // What it says meanwhile is not lost.
    socket.pause()
    this.admit(socket, claims, relayed, former === null ? null : { viewer: former, pass: ticket }).catch((error: unknown) => {
      this.input.log.error({ err: error, sessionId }, 'a viewer was not let in')
      refuse(socket, 'host_stopping', 'That failed: connect again.')
    })
  }

  /** For who looks in this process; null: the session does not run here. The answer ends it. */
  join(sessionId: SessionId, subscriber: Subscriber): (() => void) | null {
    return this.find(sessionId)?.join(subscriber) ?? null
  }

  /** Who joined needs a key frame; asking often costs nothing. */
  requestKey(sessionId: SessionId): void {
    this.find(sessionId)?.wantsKey()
  }

  close(): void {
    this.ending = true
    for (const name of [...this.desktops.keys()]) this.drop(name, 'left')
  }

  private find(sessionId: SessionId): Desktop | null {
    const shown = this.input.sessions.find(sessionId)
    return shown === undefined || shown.over !== null ? null : this.desktopOf(shown)
  }

  private async admit(
    socket: WebSocket,
    claims: StreamClaims,
    relayed: boolean,
    former: { viewer: Viewer; pass: string } | null,
  ): Promise<void> {
    const { sessionId, epoch } = claims
    const shown = await this.input.sessions.coming(sessionId, epoch, comingMs)
    if (socket.readyState !== socket.OPEN) return socket.terminate()
    if (shown === undefined || shown.over !== null || shown.epoch !== epoch) return refuse(socket, ...ends.moved)
    if (this.ending) return refuse(socket, ...ends.left)
    const desktop = this.desktopOf(shown)
    if (desktop.size >= mostViewers && former === null) return refuse(socket, 'too_many', `${mostViewers} viewers look at this desktop.`)
    const viewer = desktop.admit(socket, claims, relayed, former?.viewer ?? null)
    if (former !== null) this.passes.move(former.pass, viewer)
    socket.resume()
  }

  private desktopOf(shown: Shown): Desktop {
    const { sessionId, epoch, address } = shown
    const name = `${sessionId}/${epoch}`
    const known = this.desktops.get(name)
    if (known !== undefined) return known.desktop
    const desktop = new Desktop({
      sessionId,
      address,
      secret: this.input.linkSecret(sessionId, epoch),
      log: this.input.log,
      passes: this.passes,
      unused: () => this.drop(name, 'left'),
    })
    this.desktops.set(name, { desktop, shown })
    void shown.gone.then(() => this.drop(name, shown.ended))
    return desktop
  }

  private drop(name: string, end: SessionEnd): void {
    this.desktops.get(name)?.desktop.closeAll(...ends[end])
    this.desktops.delete(name)
  }
}

/** With words, for clients that read no close codes. */
function refuse(socket: WebSocket, why: StreamClose, message: string): void {
  // It may be paused, and would never see the other end's close.
  socket.resume()
  socket.on('error', () => undefined)
  socket.send(JSON.stringify({ type: 'error', code: why, message }))
  socket.close(streamClose[why], message.slice(0, 60))
  setTimeout(() => socket.terminate(), closeMs).unref()
}
