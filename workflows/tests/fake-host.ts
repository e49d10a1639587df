import type { PromptId, SessionId } from '@helix/contract/ids'
import type { TurnResult } from '@helix/contract/link'
import { Context } from '@temporalio/activity'
import type { HostActivities, SharedSandboxActivities } from '../src/activities.ts'
import type { FakeControl } from './fake-control.ts'

export const ended = (promptId: PromptId, set: Partial<TurnResult> = {}): TurnResult => ({
  promptId,
  outcome: 'end_turn',
  message: null,
  retryable: false,
  ...set,
})

/** A sandbox host by hand: takes every session, and plays the turns as told. */
export class FakeHost implements SharedSandboxActivities, HostActivities {
  readonly queue: string
  readonly starts: { sessionId: SessionId; epoch: number; reason: string }[] = []
  /** Prompt ids in the order the agent got them: what came twice was joined. */
  readonly sent: PromptId[] = []
  readonly removed: SessionId[] = []
  readonly suspended: SessionId[] = []
  play: (promptId: PromptId, attempt: number) => Promise<TurnResult> | TurnResult = (promptId) => ended(promptId)
  private readonly control: FakeControl
  private readonly calls = new Map<PromptId, number>()

  constructor(control: FakeControl, queue: string) {
    this.control = control
    this.queue = queue
  }

  async placeSession({ sessionId }: Parameters<SharedSandboxActivities['placeSession']>[0]) {
    const session = this.control.sessions.get(sessionId)
    if (session === undefined) return { placed: false as const, reason: 'no such session' }
    session.queue = this.queue
    session.epoch += 1
    return { placed: true as const, queue: this.queue, epoch: session.epoch }
  }

  async startSession(input: Parameters<HostActivities['startSession']>[0]) {
    this.starts.push(input)
    return { epoch: input.epoch }
  }

  async runTurn({ promptId }: Parameters<HostActivities['runTurn']>[0]): Promise<TurnResult> {
    const attempt = (this.calls.get(promptId) ?? 0) + 1
    this.calls.set(promptId, attempt)
    if (attempt === 1) this.sent.push(promptId)
    return this.play(promptId, attempt)
  }

  async suspendSession({ sessionId }: { sessionId: SessionId }): Promise<void> {
    this.suspended.push(sessionId)
  }

  async removeSession({ sessionId }: { sessionId: SessionId }): Promise<void> {
    this.removed.push(sessionId)
  }

  /** A turn that goes on until it is cancelled, heartbeating as a host does. */
  async untilCancelled(promptId: PromptId): Promise<TurnResult> {
    const context = Context.current()
    const timer = setInterval(() => context.heartbeat(), 200)
    try {
      await context.cancelled
    } finally {
      clearInterval(timer)
    }
    return ended(promptId, { outcome: 'cancelled' })
  }
}
