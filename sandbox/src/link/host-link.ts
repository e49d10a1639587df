import type { SessionId } from '@helix/contract/ids'
import { type HostDown, type HostReport, type HostUp, hostDown, type PermissionAnswer } from '@helix/contract/link'
import type { StreamKey, StreamSeat } from '@helix/contract/stream-tickets'
import type { Logger } from 'pino'
import { Backoff } from './backoff.ts'
import { Dialler } from './dialler.ts'

/** Units: bytes. Beyond it journals wait for the network. */
const mostWaitingBytes = 4 * 1024 * 1024
const mostWaitingPictures = 512 * 1024

/** `awayMs`: since the control plane was heard last; for ever at first. */
export interface Welcome {
  awayMs: number
  sessionUrl: string | null
  streamKeys: StreamKey[]
  pageOrigins: string[]
}

export interface HostLinkHandler {
  /** The control plane knows this host again: what is not acknowledged is sent anew. */
  welcomed(welcome: Welcome): void
  /** This host is to replace its credential. */
  rotate(): void
  /** The control plane does not take the credential. */
  refused(): void
  acknowledged(sessionId: SessionId, upTo: number): void
  fenced(sessionId: SessionId, epoch: number): void
  /** A connection into a session is wanted. */
  dialled(frame: Extract<HostDown, { type: 'dial' }>): void
  /** A viewer comes through the control plane. */
  streamDialled(tunnelId: string): void
  /** Somebody may not look at a desktop any more. */
  unseated(seat: StreamSeat): void
  /** A session is placed here. May come twice. */
  announced(frame: Extract<HostDown, { type: 'start' }>): void
  /** Lines of the log are wanted. */
  logsAsked(frame: Extract<HostDown, { type: 'logs' }>): void
  /** Small pictures of desktops are wanted. */
  picturesWanted(frame: Extract<HostDown, { type: 'watchPictures' }>): void
  /** May come twice. */
  answered(sessionId: SessionId, answer: PermissionAnswer): void
}

/** The connection that this host dials to the control plane, for reports and journals. */
export class HostLink {
  private readonly dialler: Dialler
  private readonly hello: HostUp
  private readonly log: Logger
  private readonly handler: HostLinkHandler
  private readonly backoff = new Backoff(200, 5000)
  private report: HostReport | null = null
  private toldReport = ''
  private toldAt = 0
  private lastReason = ''
  private lostAt = Number.NEGATIVE_INFINITY
  welcomed = false

  constructor(input: {
    url: string
    token(): string
    /** Before each attempt. */
    prepare: () => Promise<void>
    hello: HostUp
    log: Logger
    handler: HostLinkHandler
  }) {
    this.hello = input.hello
    this.log = input.log
    this.handler = input.handler
    this.dialler = new Dialler({
      url: `${input.url.replace(/^http/, 'ws')}/internal/v1/hosts/connect`,
      token: input.token,
      prepare: input.prepare,
      longestFrame: 1024 * 1024,
      backoff: this.backoff,
      opened: () => this.dialler.send(this.hello),
      received: (text) => this.received(text),
      lost: (reason, status) => this.lost(reason, status),
    })
  }

  /** True when the frame was handed to the network; false: not now, `welcomed` or the next tick tells when to try again. */
  send(frame: HostUp): boolean {
    return this.welcomed && this.dialler.waitingBytes < mostWaitingBytes && this.dialler.send(frame)
  }

  /** For what may be lost: false also when the network is behind, so that journals do not wait for it. */
  sendBytes(bytes: Uint8Array): boolean {
    return this.welcomed && this.dialler.waitingBytes < mostWaitingPictures && this.dialler.sendBytes(bytes)
  }

  /** Told at once when it differs from the last one, else each 10 s. */
  setReport(report: HostReport): void {
    this.report = report
    this.tellReport()
  }

  close(): void {
    this.dialler.close()
  }

  private tellReport(): void {
    if (this.report === null || !this.welcomed) return
    // Figures that move all the time are no change.
    const { freeDiskBytes, load, running, descriptors, worked, viewers, checks = [], ...rest } = this.report
    const gist = JSON.stringify({ ...rest, checks: checks.map(({ name, state }) => [name, state]) })
    if (gist === this.toldReport && Date.now() - this.toldAt < 10_000) return
    if (!this.send(this.report)) return
    this.toldReport = gist
    this.toldAt = Date.now()
  }

  private received(text: string): void {
    const frame = parse(text)
    if (frame?.type === 'welcome') this.welcome(frame)
    else if (frame?.type === 'ack') this.handler.acknowledged(frame.sessionId, frame.upTo)
    else if (frame?.type === 'answer') this.handler.answered(frame.sessionId, frame.answer)
    else if (frame?.type === 'logs') this.handler.logsAsked(frame)
    else if (frame?.type === 'rotate') this.handler.rotate()
    else if (frame?.type === 'fence') this.handler.fenced(frame.sessionId, frame.epoch)
    else if (frame?.type === 'start') this.handler.announced(frame)
    else if (frame?.type === 'dial') this.handler.dialled(frame)
    else if (frame?.type === 'unseat') this.handler.unseated(frame)
    else if (frame?.type === 'dialStream') this.handler.streamDialled(frame.tunnelId)
    else if (frame?.type === 'watchPictures') this.handler.picturesWanted(frame)
    else this.log.warn('a frame of the control plane is not understood and left out')
  }

  private welcome({ hostEpoch, sessionUrl, streamKeys = [], pageOrigins = [] }: Extract<HostDown, { type: 'welcome' }>): void {
    this.backoff.reset()
    this.welcomed = true
    this.toldReport = ''
    this.lastReason = ''
    this.log.info({ hostEpoch }, 'linked to the control plane')
    // Before the report: it may say less than it takes now.
    this.handler.welcomed({ awayMs: Date.now() - this.lostAt, sessionUrl: sessionUrl ?? null, streamKeys, pageOrigins })
    this.tellReport()
  }

  private lost(reason: string, status: number | null): void {
    if (this.welcomed) this.lostAt = Date.now()
    this.welcomed = false
    if (status === 401) this.handler.refused()
    const told = status === 401 ? `${reason}: the control plane does not take this host's credential` : reason
    if (told !== this.lastReason) this.log.warn({ reason: told }, 'no link to the control plane; dialling on')
    this.lastReason = told
  }
}

function parse(text: string) {
  try {
    return hostDown.safeParse(JSON.parse(text)).data
  } catch {
    // Not JSON: told by the caller as a frame that is not understood.
    return undefined
  }
}
