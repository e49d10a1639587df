import type { ResponseOf } from '@helix/contract/endpoint'
import type { SessionId } from '@helix/contract/ids'
import { closeOf, type StreamClose, streamClose } from '@helix/contract/stream'
import type { StreamRight } from '@helix/contract/stream-talk'
import { openDesktop } from '@helix/contract/stream-tickets'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { pauseMs } from './backoff.ts'
import { words } from './messages.ts'
import type { FromWorker, ToWorker } from './worker/talk.ts'

/** Units: milliseconds. */
const directAloneMs = 1000
const ticketsInARow = 3

export type Phase =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** Tried again at `at`, unix milliseconds. */
  | { kind: 'again'; at: number }
  /** Nobody looks; tried again when somebody does. */
  | { kind: 'hidden' }
  /** A person has to do something. */
  | { kind: 'over'; failure: Failure; resumable: boolean }

type Ticket = ResponseOf<typeof openDesktop>

/** What a person has to act on; everything else is tried again. */
const lasting: Partial<Record<StreamClose, { code: string; resumable: boolean }>> = {
  too_many: { code: 'rate_limited', resumable: false },
  desktop_failed: { code: 'conflict', resumable: false },
  unsupported: { code: 'conflict', resumable: false },
  session_suspended: { code: 'machine_unavailable', resumable: true },
  session_stopped: { code: 'conflict', resumable: false },
}
/** Of tickets that were not given: the answer may be another one soon. */
const passing = ['unreachable', 'rate_limited', 'internal']

/** Dials until it is connected, and again when that ends: directly, and through the control plane when that takes long. Each way has its own ticket. */
export class Connection {
  phase = $state.raw<Phase>({ kind: 'connecting' })
  relayed = $state(false)
  /** Why there is none any more; null while it was not lost. */
  lost = $state<string | null>(null)
  /** What the host said last before it closed. */
  lastWords: string | null = null
  private readonly sessionId: SessionId
  private readonly post: (message: ToWorker) => void
  private readonly opened: () => void
  private readonly right: StreamRight | undefined
  private turn = 0
  private attempts = 0
  private pauses = 0
  private refusals = 0
  private readonly under = new Map<number, 'direct' | 'relayed'>()
  private directFails = false
  private timer: ReturnType<typeof setTimeout> | undefined

  /** `right`: absent: the most that the person may. */
  constructor(sessionId: SessionId, post: (message: ToWorker) => void, opened: () => void, right?: StreamRight) {
    this.sessionId = sessionId
    this.post = post
    this.opened = opened
    this.right = right
  }

  /** Begins, or begins anew at once. */
  async connect(): Promise<void> {
    this.stop()
    if (document.visibilityState === 'hidden') {
      this.phase = { kind: 'hidden' }
      return
    }
    const turn = this.turn
    this.phase = { kind: 'connecting' }
    const ticket = await this.ticket(turn)
    if (ticket === null) return
    const [direct] = ticket.urls.filter(({ kind }) => kind === 'direct')
    const relayed = ticket.urls.some(({ kind }) => kind === 'relayed')
    if (direct === undefined || (this.directFails && relayed)) return this.dial(ticket, 'relayed')
    this.dial(ticket, 'direct')
    if (relayed) this.timer = setTimeout(() => void this.relay(turn), directAloneMs)
  }

  /** Gives up what is open or under way. */
  stop(): void {
    this.turn++
    clearTimeout(this.timer)
    this.under.clear()
    this.lastWords = null
    this.post({ type: 'hangUp' })
  }

  /** Somebody looks again, or no more. */
  seen(visible: boolean): void {
    this.post({ type: 'visible', visible })
    if (visible && (this.phase.kind === 'hidden' || this.phase.kind === 'again')) void this.connect()
  }

  heard(message: FromWorker): void {
    if (message.type === 'opened') this.won(message.attempt)
    else if (message.type === 'failed') this.missed(message.attempt, message.code)
    else if (message.type === 'closed') this.closed(message.code)
  }

  /** All is well: the next pause is a short one. */
  settled(): void {
    this.lost = null
    this.pauses = 0
    this.refusals = 0
  }

  private async ticket(turn: number): Promise<Ticket | null> {
    try {
      const ticket = await call(openDesktop, {
        params: { sessionId: this.sessionId },
        body: this.right === undefined ? {} : { right: this.right },
      })
      return turn === this.turn ? ticket : null
    } catch (error) {
      if (turn !== this.turn) return null
      const failure = failureOf(error)
      if (passing.includes(failure.code)) this.again(failure.message)
      else this.end(failure, failure.code === 'machine_unavailable')
      return null
    }
  }

  private dial({ ticket, urls }: Ticket, kind: 'direct' | 'relayed'): void {
    const way = urls.find((one) => one.kind === kind)
    if (way === undefined) {
      this.again(words.lost)
      return
    }
    const attempt = ++this.attempts
    this.under.set(attempt, kind)
    this.post({ type: 'dial', attempt, url: way.url, ticket })
  }

  private async relay(turn: number): Promise<void> {
    if (turn !== this.turn) return
    clearTimeout(this.timer)
    const ticket = await this.ticket(turn)
    if (ticket !== null && this.phase.kind === 'connecting') this.dial(ticket, 'relayed')
  }

  private won(attempt: number): void {
    const kind = this.under.get(attempt)
    // Of a turn that is over.
    if (kind === undefined) return
    clearTimeout(this.timer)
    this.turn++
    this.under.clear()
    this.relayed = kind === 'relayed'
    this.directFails ||= this.relayed
    this.phase = { kind: 'live' }
    this.opened()
  }

  private missed(attempt: number, code: number): void {
    const kind = this.under.get(attempt)
    if (kind === undefined) return
    this.under.delete(attempt)
    if (this.under.size > 0) return
    const { turn } = this
    // A name of ours says that the host was reached: the other way leads to the same answer.
    if (kind === 'direct' && closeOf(code) === null && !this.directFails) {
      this.directFails = true
      void this.relay(turn)
    } else this.closed(code)
  }

  private closed(code: number): void {
    const name = closeOf(code)
    const known = name === null ? undefined : lasting[name]
    const said = this.lastWords ?? (name === null ? words.lost : words.closes[name])
    if (code === streamClose.ticket_refused) this.refusals++
    const refused = this.refusals >= ticketsInARow
    if (known === undefined && !refused) this.again(said)
    else this.end({ code: known?.code ?? 'conflict', message: said, requestId: null, details: {} }, known?.resumable ?? false)
  }

  /** Nothing more is tried by itself. */
  fail(message: string): void {
    this.end({ code: 'unreachable', message, requestId: null, details: {} }, false)
  }

  private end(failure: Failure, resumable: boolean): void {
    this.stop()
    this.phase = { kind: 'over', failure, resumable }
  }

  private again(why: string): void {
    this.stop()
    this.lost = why
    if (document.visibilityState === 'hidden') {
      this.phase = { kind: 'hidden' }
      return
    }
    const pause = pauseMs(this.pauses++, Math.random())
    this.phase = { kind: 'again', at: Date.now() + pause }
    this.timer = setTimeout(() => void this.connect(), pause)
  }
}
