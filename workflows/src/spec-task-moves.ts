import { ActivityFailure, log, patched } from '@temporalio/workflow'
import { control, merging } from './control.ts'
import type { InboxMessage } from './inbox.ts'
import type { TaskRequest, TaskVerdict } from './messages.ts'
import { specTaskWorkflowId } from './messages.ts'
import { cancelTurn, stopSession } from './session-port.ts'
import { endsSession, isQueued, isReview, isWorking } from './spec-task-transitions.ts'
import { beginning } from './spec-task-words.ts'
import { AgentWork } from './spec-task-work.ts'

/** Units: milliseconds. A freed slot is announced; this is for an announcement that was lost. */
const slotLookMs = 30_000

/** What each message does to a spec task, and what each status begins with. */
export class SpecTask extends AgentWork {
  /** Goes on where an earlier run, or a lost Temporal, left the row. */
  async resume(): Promise<void> {
    if (isWorking(this.status) && this.held) return
    if (isWorking(this.status) && this.currentPromptId !== null) this.restartDeadline()
    else if (isQueued(this.status) || isWorking(this.status) || this.status === 'pull_request') await this.enter()
    else if (isReview(this.status) && this.reminder === null) await this.armReminder()
  }

  /** Units: milliseconds until `timeIsUp`; null: nothing but a message can happen. */
  waitMs(): number | null {
    if (isQueued(this.status)) return slotLookMs
    const at = isReview(this.status) ? (this.reminder?.at ?? null) : this.deadlineAt
    return at === null ? null : Math.max(0, at - Date.now())
  }

  async timeIsUp(): Promise<void> {
    if (isQueued(this.status)) return this.tryClaim()
    if (isReview(this.status) && this.reminder !== null) return this.remind(this.reminder.count + 1)
    if (isWorking(this.status) && patched('a-person-is-waited-for') && (await this.waitsForPerson())) return this.restartDeadline()
    const minutes = Math.round(this.snapshot.workDeadlineMs / 60_000)
    if (isWorking(this.status))
      await this.fail('deadline', `The agent did not end a turn within ${minutes} minutes. Retry goes on from the last push.`)
  }

  async handle(message: InboxMessage): Promise<void> {
    if (message.kind === 'request') {
      const { step } = this
      const verdict = await this.decide(message.request)
      // The row is written: the person need not wait for what follows from it.
      message.answer(verdict)
      // An approval of several counts and leaves the task where it is.
      return verdict.accepted && this.step !== step ? this.enter(message.request) : undefined
    }
    if (message.kind === 'slotFreed' && isQueued(this.status)) return this.tryClaim()
    if (message.kind === 'turnEnded') return this.turnEnded(message.turn)
    if (message.kind === 'budgetRaised') return this.budgetRaised(message.stopId)
    if (message.kind === 'personPrompt' && this.sessionId !== null) return this.personSpoke(this.sessionId, message.prompt)
    if (message.kind === 'notice' && isWorking(this.status)) await this.say(message.activity)
  }

  private decide(request: TaskRequest): Promise<TaskVerdict> {
    return this.move(request.action, { request, reason: request.note ?? null })
  }

  /** What a status begins with. Work that a person's request interrupted is cancelled first. */
  protected async enter(request?: TaskRequest): Promise<void> {
    if (!isWorking(this.status)) await this.leaveWork()
    if (isQueued(this.status)) return this.tryClaim()
    if (isWorking(this.status)) return this.beginWork(request)
    if (this.status === 'pull_request') return this.merge()
    if (isReview(this.status)) return this.armReminder()
    if (endsSession(this.status) && this.sessionId !== null) await stopSession(this.sessionId, `The task is ${this.status}`)
  }

  /** Reviewers are reminded while the task waits for them; histories from before this have no timer there. */
  private async armReminder(): Promise<void> {
    if (patched('reviewers-are-reminded')) await this.remind(0)
  }

  private async remind(count: number): Promise<void> {
    const { nextInMs } = await control.remindReviewers({ taskId: this.taskId, step: this.step, count })
    this.reminder = nextInMs === null ? null : { at: Date.now() + nextInMs, count }
  }

  private async leaveWork(): Promise<void> {
    const { sessionId, currentPromptId } = this
    this.currentPromptId = null
    this.deadlineAt = null
    if (sessionId !== null && currentPromptId !== null) await cancelTurn(sessionId, currentPromptId)
    if (!isQueued(this.status)) await control.releaseSlot({ taskId: this.taskId })
  }

  private async tryClaim(): Promise<void> {
    const phase = this.status === 'queued_planning' ? 'planning' : 'implementing'
    const { claimed, reason } = await control.claimSlot({ taskId: this.taskId, phase, force: false })
    if (!claimed) return this.say(reason ?? beginning[this.status])
    const verdict = await this.move('slotClaimed', {})
    if (verdict.accepted) await this.enter()
  }

  private async merge(): Promise<void> {
    if (this.approvedCommit === null) return this.fail('merge_failed', 'The approved commit is not known any more: approve again.')
    const key = `${specTaskWorkflowId(this.taskId)}/merge/${this.approvedCommit}`
    const result = await merging.mergeTask({ taskId: this.taskId, key, commit: this.approvedCommit, approvedById: this.approvedById })
    if (result.outcome === 'failed') return this.fail('merge_failed', result.reason)
    if (result.outcome === 'conflict') {
      this.ask = { kind: 'resolve_conflict', note: result.files.join(', ').slice(0, 2000) }
      const reason = `The base branch changed the same lines in ${result.files.slice(0, 5).join(', ')}`
      if ((await this.move('mergeConflict', { reason })).accepted) {
        await control.claimSlot({ taskId: this.taskId, phase: 'implementing', force: true })
        await this.enter()
      }
      return
    }
    if ((await this.move('mergeDone', { mergedCommit: result.commit })).accepted) await this.enter()
  }

  /** An activity failed for good. Work says so on its card and offers the retry; anything else is the workflow's own failure. */
  async broken(error: unknown): Promise<void> {
    if (!(error instanceof ActivityFailure) || !(isQueued(this.status) || isWorking(this.status) || this.status === 'pull_request'))
      throw error
    const why = error.cause?.message ?? error.message
    log.error('the task cannot go on', { activity: error.activityType, why })
    await this.fail(this.status === 'pull_request' ? 'merge_failed' : 'internal', `${error.activityType} failed: ${why}`.slice(0, 2000))
  }
}
