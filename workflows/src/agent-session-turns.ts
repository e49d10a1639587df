import type { PromptId, SessionId } from '@helix/contract/ids'
import type { TurnResult } from '@helix/contract/link'
import type { PromptMode } from '@helix/contract/task-work'
import { CancellationScope, isCancellation, log, patched, sleep } from '@temporalio/workflow'
import { SessionHome } from './agent-session-home.ts'
import { isHopeless, onHost, reasonOf } from './agent-session-host.ts'
import { SessionLimits } from './agent-session-limits.ts'
import { type Ending, SessionOwner } from './agent-session-owner.ts'
import { HistoryFull } from './agent-session-place.ts'
import { control } from './control.ts'
import type { AgentSessionCarried, AgentSessionInput, SuspendAsked } from './messages.ts'

/** Losses in a row without a finished turn before the task is told that the session cannot be had. */
const lossesAllowed = 40
/** Likewise for a start without a turn: its person is told then. */
const wakesAllowed = 8
/** Units: milliseconds. */
const longestPauseMs = 10_000
/** Units: milliseconds in which an agent has heard what its host was handed. */
const hearingMs = 3_000

interface Turn {
  promptId: PromptId
  scope: CancellationScope
  cancelled: boolean
  /** The host was asked to give it to the agent: what ends it now is heard after it. */
  handedOver: boolean
  /** What steers it came before that: it cuts in once the agent has heard it. */
  steeredBy: PromptId | null
  ending: Ending
}

/** One session's turns: places it, starts it, and goes on with the same prompt id after every loss. */
export class Session {
  stopped = false
  /** A person wants the idle container stopped now, not when its time is up. */
  suspendAsked = false
  /** A session with a task is ended between turns, and begins anew with the next. */
  readonly limits = new SessionLimits(() => {
    if (this.owner.none) this.stop('Its time to live is over')
  })
  /** A person wants the machine, and tells the agent nothing. */
  wakeAsked = false
  private readonly sessionId: SessionId
  private readonly owner: SessionOwner
  readonly home: SessionHome
  private readonly queue: PromptId[]
  private readonly seen: string[]
  private current: Turn | null = null
  private stopReason = 'stopped'
  private waking: CancellationScope | null = null
  /** Why its host stopped the machine, and of which start; null: a person asked, or time did. */
  private stoppedByHost: { reason: string; epoch: number } | null = null

  constructor(input: AgentSessionInput) {
    this.sessionId = input.sessionId
    this.owner = new SessionOwner(input.ownerWorkflowId)
    this.queue = [...(input.carried?.queue ?? [])]
    this.seen = [...(input.carried?.seen ?? [])]
    const { epoch = 0, leaves = null } = input.carried ?? {}
    this.home = new SessionHome({ sessionId: input.sessionId, owner: this.owner, limits: this.limits, epoch, leaves })
    this.wakeAsked = input.carried?.wakes ?? false
  }

  /** There is something to do now. */
  get calls(): boolean {
    return this.stopped || this.waiting || this.limits.over || this.wakeAsked
  }

  get waiting(): boolean {
    return this.queue.length > 0
  }

  carry(): AgentSessionCarried {
    const leaves = this.home.leaves === null ? {} : { leaves: this.home.leaves }
    const wakes = this.wakeAsked ? { wakes: true } : {}
    return { epoch: this.home.epoch, queue: this.queue, seen: this.seen.slice(-200), ...leaves, ...wakes }
  }

  /**
   * What steers or interrupts goes before all that waits and ends the running turn: ACP has no way into one. A turn that the agent has not heard of
   * yet is heard first: what steers only adds to it.
   */
  take(promptId: PromptId, mode: PromptMode = 'queue'): void {
    if (this.seen.includes(promptId)) return
    this.seen.push(promptId)
    if (mode === 'queue') this.queue.push(promptId)
    else this.queue.unshift(promptId)
    if (mode === 'interrupt') this.cancel(null, { endedBy: 'interrupted' })
    if (mode !== 'steer' || this.current === null) return
    if (!this.current.handedOver) {
      if (patched('steering-waits-for-the-start')) this.current.steeredBy = promptId
    } else if (patched('steering-cuts-in')) this.cancel(null, { endedBy: 'steered', goesOnWith: promptId })
  }

  /** What steered a turn before the agent had heard of it cuts in when it has. */
  private async cutInSoon(turn: Turn): Promise<void> {
    try {
      await sleep(hearingMs)
    } catch (error) {
      if (isCancellation(error)) return
      throw error
    }
    const { steeredBy } = turn
    if (this.current === turn && steeredBy !== null && this.queue[0] === steeredBy)
      this.cancel(null, { endedBy: 'steered', goesOnWith: steeredBy })
  }

  /** Null cancels whatever runs. A prompt that still waits is dropped. */
  cancel(promptId: PromptId | null, ending: Ending = {}): void {
    const waiting = promptId === null ? -1 : this.queue.indexOf(promptId)
    if (waiting >= 0) this.queue.splice(waiting, 1)
    if (this.current === null || (promptId !== null && this.current.promptId !== promptId)) return
    this.current.cancelled = true
    // The newest wish holds.
    if (ending.endedBy !== undefined) this.current.ending = ending
    this.current.scope.cancel()
  }

  stop(reason: string): void {
    this.stopped = true
    this.stopReason = reason
    this.queue.length = 0
    this.cancel(null)
    this.waking?.cancel()
  }

  /** A turn that runs or waits comes first, and ends the wish. A host that is to be left is left after the turn. */
  askToSuspend({ leaves, reason, epoch }: SuspendAsked = {}): void {
    if (leaves !== undefined) this.home.leaves = leaves
    else if (epoch === undefined || epoch >= this.home.epoch) {
      this.suspendAsked = this.current === null && !this.waiting
      this.stoppedByHost = reason === undefined || epoch === undefined ? null : { reason, epoch }
    }
  }

  askToWake(): void {
    this.wakeAsked = this.current === null
  }

  async runNextTurn(): Promise<void> {
    this.suspendAsked = false
    this.wakeAsked = false
    const promptId = this.queue.shift()
    if (promptId === undefined) return
    const ended = await this.turn(promptId)
    if (ended === null) return
    const { result, ending } = ended
    const state = result.outcome === 'error' ? 'failed' : 'ended'
    const { budget } = await control.recordTurn({ sessionId: this.sessionId, promptId, state, outcome: result.message ?? result.outcome })
    // Histories from before know nothing of budgets; what a person did holds before them.
    if (budget === undefined || ending.endedBy !== undefined) return this.owner.tell(promptId, result, this.nextAfter(ending))
    const { stopId, message } = budget
    await this.owner.tell(promptId, { ...result, message }, { endedBy: 'budget', stopId })
  }

  /** What waits already is what comes next after a stop. */
  private nextAfter(ending: Ending): Ending {
    const [next] = this.queue
    const goesOn = (ending.endedBy === 'stopped' || ending.endedBy === 'withdrawn') && next !== undefined
    return goesOn ? { ...ending, goesOnWith: next } : ending
  }

  /** Null: it waits for the next run. */
  private async turn(promptId: PromptId): Promise<{ result: TurnResult; ending: Ending } | null> {
    const scope = new CancellationScope()
    const current: Turn = { promptId, scope, cancelled: false, handedOver: false, steeredBy: null, ending: {} }
    this.current = current
    try {
      const result = await scope.run(() => this.untilDone(promptId))
      return { result, ending: result.outcome === 'cancelled' ? current.ending : {} }
    } catch (error) {
      if (error instanceof HistoryFull && !current.cancelled) {
        this.queue.unshift(promptId)
        return null
      }
      if (!isCancellation(error) && !current.cancelled) throw error
      return { result: { promptId, outcome: 'cancelled', message: null, retryable: false }, ending: current.ending }
    } finally {
      this.current = null
    }
  }

  /** Each loss of host, container or agent starts the session again and hands over the same prompt id: it is sent to the agent once. */
  private async untilDone(promptId: PromptId): Promise<TurnResult> {
    let reason = this.home.epoch === 0 ? 'first start' : 'resumed for a prompt'
    for (let losses = 0; ; losses++) {
      try {
        const queue = await this.ensureHome(reason)
        const begun = await control.recordTurn({ sessionId: this.sessionId, promptId, state: 'running', outcome: null })
        if (begun.withdrawn) {
          if (this.current !== null) this.current.ending = { endedBy: 'withdrawn' }
          return { promptId, outcome: 'cancelled', message: null, retryable: false }
        }
        if (this.current !== null) {
          this.current.handedOver = true
          if (this.current.steeredBy !== null) void this.cutInSoon(this.current)
        }
        return await onHost(queue).turn.runTurn({ sessionId: this.sessionId, epoch: this.home.epoch, promptId })
      } catch (error) {
        if (isCancellation(error) || this.current?.cancelled || error instanceof HistoryFull) throw error
        reason = reasonOf(error)
        this.home.lose()
        if (isHopeless(error)) return { promptId, outcome: 'error', message: reason, retryable: false }
        if (losses >= lossesAllowed) {
          return { promptId, outcome: 'error', message: `The session was lost ${losses + 1} times: ${reason}`, retryable: false }
        }
        log.warn('session lost', { reason, losses })
        await this.owner.notice(`${reason}; going on with the session`)
        await sleep(Math.min(500 * 2 ** Math.min(losses, 6), longestPauseMs))
      }
    }
  }

  private async ensureHome(reason: string): Promise<string> {
    const queue = await this.home.ensure(reason)
    // What its host told of the start before came too late.
    if (this.stoppedByHost !== null && this.stoppedByHost.epoch < this.home.epoch) this.suspendAsked = false
    return queue
  }

  /** Starts the machine, or finds that it runs. What comes meanwhile is done afterwards. */
  async wake(): Promise<void> {
    this.wakeAsked = false
    this.suspendAsked = false
    // Its container may be gone without a turn that noticed: whoever starts it looks.
    this.home.lose()
    const scope = new CancellationScope()
    this.waking = scope
    try {
      await scope.run(() => this.untilAwake())
    } catch (error) {
      if (error instanceof HistoryFull) this.wakeAsked = !this.stopped
      else if (!isCancellation(error)) throw error
    } finally {
      this.waking = null
    }
  }

  private async untilAwake(): Promise<void> {
    let reason = this.home.epoch === 0 ? 'first start' : 'resumed by a person'
    for (let losses = 0; ; losses++) {
      try {
        await this.ensureHome(reason)
        return
      } catch (error) {
        if (isCancellation(error) || error instanceof HistoryFull) throw error
        reason = reasonOf(error)
        this.home.lose()
        log.warn('session not started', { reason, losses })
        // Nobody waits for a turn's end: the row says why, and the next wish tries again.
        if (losses >= wakesAllowed || isHopeless(error)) return this.home.record('suspended', `It did not start: ${reason}`)
        await sleep(Math.min(500 * 2 ** Math.min(losses, 6), longestPauseMs))
      }
    }
  }

  /** Units: milliseconds for which people still use the machine. */
  async usedFor(): Promise<number> {
    return (await control.locateSession({ sessionId: this.sessionId })).idleLeftMs ?? 0
  }

  async suspend(): Promise<void> {
    const asked = this.suspendAsked
    const leaves = this.home.mustLeave
    const byHost = asked ? this.stoppedByHost : null
    this.suspendAsked = false
    this.stoppedByHost = null
    const reason = byHost?.reason ?? (leaves ? 'its host is being emptied' : asked ? 'by a person' : 'idle')
    await this.home.suspend({ looks: asked || leaves, reason })
  }

  remove(): Promise<void> {
    return this.home.remove(this.stopReason)
  }
}
