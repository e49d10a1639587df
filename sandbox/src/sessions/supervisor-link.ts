import type { SessionId } from '@helix/contract/ids'
import {
  type Kept,
  type PermissionAnswer,
  type SupervisorDown,
  type SupervisorUp,
  supervisorUp,
  type TurnResult,
} from '@helix/contract/link'
import type { JournalEntry } from '@helix/contract/sessions'
import type { Logger } from 'pino'
import { Backoff } from '../link/backoff.ts'
import { Dialler } from '../link/dialler.ts'

export type SupervisorStatus = Pick<Extract<SupervisorUp, { type: 'state' }>, 'state' | 'message' | 'stages' | 'running' | 'desktop'>
type PromptFrame = Extract<SupervisorDown, { type: 'prompt' }>

/** Units: milliseconds. */
const lookAgainMs = 1000

interface Turn {
  prompt: PromptFrame
  cancelled: boolean
  beat(): void
  ended(result: TurnResult): void
}

export interface SupervisorLinkOptions {
  /** Host and port. */
  address: string
  secret: string
  sessionId: SessionId
  epoch: number
  log: Logger
  entries(entries: readonly JournalEntry[]): void
  /** Something may be kept for sessions to come; resolves when it is, or will not be. */
  offered(what: Kept): Promise<void>
  /** A connection ended or an attempt failed: look whether the container lives. */
  disturbed(): void
}

/** The host's end of the link to one supervisor. Everything a turn needs is said again on each new connection. */
export class SupervisorLink {
  private readonly options: SupervisorLinkOptions
  private readonly dialler: Dialler
  private readonly backoff = new Backoff(25, 1000)
  private readonly turns = new Map<string, Turn>()
  /** Answers of people that the agent may not have yet. */
  private readonly answers = new Map<string, PermissionAnswer>()
  private readonly watchers = new Set<() => void>()
  private silentSince: number | null = Date.now()
  private greeted = false
  private mayPrepare = false
  private closed = false
  private lookAgain: NodeJS.Timeout | undefined
  /** What the supervisor said last; null before its first word. */
  status: SupervisorStatus | null = null
  /** Why it is not the one that was meant; null while that is not known. */
  refusal: string | null = null

  constructor(options: SupervisorLinkOptions) {
    this.options = options
    this.dialler = new Dialler({
      url: `ws://${options.address}/link`,
      token: () => options.secret,
      longestFrame: 64 * 1024 * 1024,
      backoff: this.backoff,
      opened: () => undefined,
      received: (text) => this.received(text),
      lost: (reason, status) => this.lost(reason, status),
    })
  }

  /** Units: milliseconds without a connection that has greeted; 0 while there is one. */
  get silentMs(): number {
    return this.silentSince === null ? 0 : Date.now() - this.silentSince
  }

  /** `changed` is called whenever status or connection change; the answer ends that. */
  watch(changed: () => void): () => void {
    this.watchers.add(changed)
    return () => this.watchers.delete(changed)
  }

  acknowledge(upTo: number): void {
    this.send({ type: 'ack', upTo })
  }

  /** Said again on each new connection while it has not. */
  prepare(): void {
    this.mayPrepare = true
    this.send({ type: 'prepare' })
  }

  /** A line for the conversation; lost while the supervisor is away. */
  notice(text: string): void {
    this.send({ type: 'notice', text })
  }

  /** The supervisor sends all that is not acknowledged on each new connection. */
  redial(): void {
    this.dialler.redial()
  }

  /** Hands a prompt over and calls back; the answer forgets the callbacks and leaves the turn alone. */
  beginTurn(prompt: Omit<PromptFrame, 'type'>, callbacks: Pick<Turn, 'beat' | 'ended'>): () => void {
    const turn: Turn = { prompt: { type: 'prompt', ...prompt }, cancelled: false, ...callbacks }
    this.turns.set(prompt.promptId, turn)
    this.send(turn.prompt)
    return () => {
      if (this.turns.get(prompt.promptId) === turn) this.turns.delete(prompt.promptId)
    }
  }

  cancelTurn(promptId: string): void {
    const turn = this.turns.get(promptId)
    if (turn !== undefined) turn.cancelled = true
    this.send({ type: 'cancel', promptId })
  }

  /** Said again on each new connection until the journal tells its end. */
  answer(answer: PermissionAnswer): void {
    this.answers.set(answer.requestId, answer)
    this.send({ type: 'answer', answer })
  }

  close(): void {
    this.closed = true
    clearTimeout(this.lookAgain)
    this.dialler.close()
  }

  private send(frame: SupervisorDown): void {
    if (this.greeted) this.dialler.send(frame)
  }

  private received(text: string): void {
    const frame = parse(text)
    if (frame === undefined) this.options.log.warn('a frame of a supervisor is not understood and left out')
    else if (frame.type === 'hello') this.hello(frame)
    else if (this.greeted) this.take(frame)
  }

  private take(frame: Exclude<SupervisorUp, { type: 'hello' }>): void {
    if (frame.type === 'state') {
      this.status = frame
      this.changed()
    } else if (frame.type === 'entries') {
      for (const { payload } of frame.entries) if (payload.kind === 'permission_end') this.answers.delete(payload.requestId)
      this.options.entries(frame.entries)
    } else if (frame.type === 'offer') void this.options.offered(frame.what).finally(() => this.send({ type: 'kept', what: frame.what }))
    else if (frame.type === 'heartbeat') this.turns.get(frame.promptId)?.beat()
    else this.turns.get(frame.result.promptId)?.ended(frame.result)
  }

  private hello(frame: Extract<SupervisorUp, { type: 'hello' }>): void {
    if (frame.sessionId !== this.options.sessionId || frame.epoch !== this.options.epoch) {
      this.refuse(`it is session ${frame.sessionId} in epoch ${frame.epoch}`)
      return
    }
    this.backoff.reset()
    this.greeted = true
    this.silentSince = null
    this.status = frame
    if (this.mayPrepare && frame.state === 'preparing') this.send({ type: 'prepare' })
    for (const [promptId, { prompt, cancelled }] of this.turns) {
      this.send(prompt)
      if (cancelled) this.send({ type: 'cancel', promptId })
    }
    for (const answer of this.answers.values()) this.send({ type: 'answer', answer })
    this.changed()
  }

  private lost(reason: string, status: number | null): void {
    this.greeted = false
    this.silentSince ??= Date.now()
    if (status === 401) {
      this.refuse('it does not know this host')
      return
    }
    this.options.log.debug({ sessionId: this.options.sessionId, reason }, 'no link to the supervisor')
    this.options.disturbed()
    // A connection ends a moment before its container does, and on gVisor nobody refuses the next attempt.
    clearTimeout(this.lookAgain)
    if (!this.closed) this.lookAgain = setTimeout(() => this.silentSince !== null && this.options.disturbed(), lookAgainMs)
    this.changed()
  }

  private refuse(reason: string): void {
    this.refusal = reason
    this.close()
    this.changed()
  }

  private changed(): void {
    for (const watcher of [...this.watchers]) watcher()
  }
}

function parse(text: string): SupervisorUp | undefined {
  try {
    return supervisorUp.safeParse(JSON.parse(text)).data
  } catch {
    // Not JSON: told by the caller as a frame that is not understood.
    return undefined
  }
}
