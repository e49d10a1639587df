import type { PromptId, SessionId } from '@helix/contract/ids'
import type { PromptKind, TaskSnapshot } from '@helix/contract/internal'
import type { TaskStatus } from '@helix/contract/task-status'
import { ActivityFailure, log, patched, sleep, upsertSearchAttributes } from '@temporalio/workflow'
import { control, cosmetic, merging } from './control.ts'
import type { InboxMessage } from './inbox.ts'
import type { PersonPrompt, SpecTaskCarried, SpecTaskState, TaskRequest, TaskVerdict, TurnEnded } from './messages.ts'
import { specTaskWorkflowId } from './messages.ts'
import { cancelTurn, promptSession, stopSession } from './session-port.ts'
import { type Move, stepOf } from './spec-task-step.ts'
import { endsSession, isQueued, isReview, isWorking, type MessageKind, type TaskFacts, transition } from './spec-task-transitions.ts'
import { beginning } from './spec-task-words.ts'

/** Units: milliseconds. A freed slot is announced; this is for an announcement that was lost. */
const slotLookMs = 30_000
/** A session ends within seconds; where nobody is left who could end it, the work goes on after so many looks. Units: milliseconds. */
const endingLooks = 60
const endingLookMs = 1000
/** How often an agent that ended its turn without the result is told so before the task fails. */
const nudgesAllowed = 2
const agentErrorsAllowed = 3
const interruptedNote =
  'A person interrupted your turn with a message. Follow what it says; where it asks for nothing else, finish the work.'

/** The state of one spec task and what each message does to it. */
export class SpecTask {
  status: TaskStatus
  private readonly taskId
  private readonly snapshot: TaskSnapshot
  private failedFrom: TaskStatus | null
  private step: number
  private sessionId
  private currentPromptId: PromptId | null
  private nudges: number
  private errors = 0
  private approvedCommit: string | null
  private approvedById
  private merged: boolean
  private archivedFrom: TaskSnapshot['archivedFrom']
  private sessionEnded: boolean
  /** What to ask the agent when work begins, and the note that goes with it. */
  private ask: { kind: PromptKind; note: string | null } | null = null
  private deadlineAt: number | null = null
  /** A person stopped the turn. */
  private held: boolean
  /** When the reviewers are reminded next, and how often they were. */
  private reminder: { at: number; count: number } | null

  constructor(snapshot: TaskSnapshot, carried: SpecTaskCarried | undefined) {
    this.snapshot = snapshot
    this.taskId = snapshot.taskId
    this.status = snapshot.status
    this.failedFrom = snapshot.failedFrom
    this.step = snapshot.step
    this.sessionId = snapshot.sessionId
    this.merged = snapshot.mergedCommit !== null
    this.archivedFrom = snapshot.archivedFrom ?? null
    this.sessionEnded = carried?.sessionEnded ?? endsSession(snapshot.status)
    this.currentPromptId = carried?.currentPromptId ?? null
    this.nudges = carried?.nudges ?? 0
    this.approvedCommit = carried?.approvedCommit ?? null
    this.approvedById = carried?.approvedById ?? null
    this.held = carried?.held ?? false
    this.reminder = carried?.reminder ?? null
  }

  describe(): SpecTaskState {
    return { status: this.status, step: this.step, sessionId: this.sessionId, currentPromptId: this.currentPromptId }
  }

  carry(seen: string[]): SpecTaskCarried {
    const { status, failedFrom, step, currentPromptId, nudges, approvedCommit, approvedById, held, reminder, sessionEnded } = this
    return { status, failedFrom, step, seen, currentPromptId, nudges, approvedCommit, approvedById, held, reminder, sessionEnded }
  }

  publishStatus(): void {
    upsertSearchAttributes({ HelixStatus: [this.status] })
  }

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
    if (message.kind === 'personPrompt' && this.sessionId !== null) return this.personSpoke(this.sessionId, message.prompt)
    if (message.kind === 'notice' && isWorking(this.status)) await this.say(message.activity)
  }

  private decide(request: TaskRequest): Promise<TaskVerdict> {
    return this.move(request.action, { request, reason: request.note ?? null })
  }

  /** Asks the table, then writes the row. `late`: somebody else moved the row, so it is read again and the table asked once more. */
  private async move(kind: MessageKind, move: Move): Promise<TaskVerdict> {
    for (let attempt = 0; attempt < 3; attempt++) {
      const next = transition(this.status, { kind }, this.facts())
      if (!next.accepted) return { accepted: false, status: this.status, code: 'transition_refused', reason: next.reason }
      // An undone archiving brings back a failure that is older than this step.
      const failedFrom = kind === 'undo_archive' ? (this.archivedFrom?.failedFrom ?? null) : this.status
      const { taskId, status, step } = this
      const written = await control.recordStep(stepOf({ taskId, status, step, failedFrom }, kind, next.to, move))
      if (written.outcome === 'written') {
        this.moved(next.to, failedFrom, move)
        return { accepted: true, status: this.status, code: null, reason: null }
      }
      if (written.outcome === 'counted') return { accepted: true, status: this.status, code: null, reason: written.reason }
      if (written.outcome !== 'late') {
        const code = written.outcome === 'refused' ? 'transition_refused' : written.outcome
        return { accepted: false, status: this.status, code, reason: written.reason }
      }
      const row = await control.loadTask({ taskId: this.taskId })
      log.warn('the row was moved elsewhere', { step: this.step, row: row.step })
      this.status = row.status
      this.step = row.step
      this.failedFrom = row.failedFrom
      this.archivedFrom = row.archivedFrom ?? null
    }
    return { accepted: false, status: this.status, code: 'transition_refused', reason: 'The task changed at the same moment: look again.' }
  }

  private facts(): TaskFacts {
    const archivedFrom = this.archivedFrom?.status ?? null
    return { failedFrom: this.failedFrom, justDoIt: this.snapshot.justDoIt, merged: this.merged, archivedFrom }
  }

  private moved(to: TaskStatus, failedFrom: TaskStatus | null, { request, mergedCommit }: Move): void {
    this.archivedFrom = to === 'archived' ? { status: this.status, failedFrom: this.failedFrom } : null
    this.failedFrom = to === 'failed' ? failedFrom : null
    if (endsSession(to)) this.sessionEnded = true
    if (mergedCommit !== undefined) this.merged = true
    if (request?.action === 'approve_implementation') {
      this.approvedCommit = request.commit ?? null
      this.approvedById = request.actorId
    }
    this.status = to
    this.held = false
    this.reminder = null
    this.step += 1
    this.publishStatus()
  }

  /** What a status begins with. Work that a person's request interrupted is cancelled first. */
  private async enter(request?: TaskRequest): Promise<void> {
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

  private async beginWork(request?: TaskRequest): Promise<void> {
    const { taskId } = this
    const phase = this.phase()
    if (request !== undefined) await control.claimSlot({ taskId, phase, force: true })
    const key = `${specTaskWorkflowId(taskId)}/${this.step}`
    await this.openSession(key)
    const asked = this.ask ?? this.firstAsk(request)
    this.ask = null
    this.nudges = 0
    this.errors = 0
    await this.prompt(asked.kind, asked.note, key)
  }

  /** A session that was stopped with the task is opened again once it has ended: what it were told before would end with it. */
  private async openSession(key: string): Promise<void> {
    const { taskId } = this
    if (this.sessionId !== null && !(this.sessionEnded && patched('an-ended-session-opens-again'))) return
    for (let look = 0; look < endingLooks; look++) {
      const { sessionId, ready } = await control.openSession({ taskId, key })
      this.sessionId = sessionId
      // Older answers do not say.
      if (ready !== false || !this.sessionEnded) break
      await this.say('Waits until its last session has ended')
      await sleep(endingLookMs)
    }
    this.sessionEnded = false
  }

  private firstAsk(request?: TaskRequest): { kind: PromptKind; note: string | null } {
    if (request?.action === 'request_spec_changes') return { kind: 'revise_spec', note: request.note ?? null }
    if (request?.action === 'request_implementation_changes') return { kind: 'revise_implementation', note: request.note ?? null }
    return { kind: this.status === 'planning' ? 'plan' : 'implement', note: null }
  }

  private phase(): 'planning' | 'implementing' {
    return this.status === 'planning' ? 'planning' : 'implementing'
  }

  private async prompt(kind: PromptKind, note: string | null, key: string): Promise<void> {
    const { promptId } = await control.preparePrompt({
      taskId: this.taskId,
      key: `${key}/${kind}/${this.nudges}/${this.errors}`,
      kind,
      note,
    })
    this.currentPromptId = promptId
    this.restartDeadline()
    if (this.sessionId !== null) await promptSession(this.sessionId, promptId)
  }

  private restartDeadline(): void {
    this.deadlineAt = Date.now() + this.snapshot.workDeadlineMs
  }

  private async turnEnded(turn: TurnEnded): Promise<void> {
    if (turn.promptId !== this.currentPromptId || !isWorking(this.status)) return
    if (turn.endedBy !== undefined) return this.turnEndedBy(turn.endedBy)
    if (turn.outcome === 'error' || turn.outcome === 'cancelled') return this.turnFailed(turn)
    this.errors = 0
    const phase = this.phase()
    const { complete, missing } = await control.assessTask({ taskId: this.taskId, phase, sincePromptId: turn.promptId })
    if (complete) {
      this.currentPromptId = null
      const verdict = await this.move(phase === 'planning' ? 'specReady' : 'implementationReady', {})
      if (verdict.accepted) await this.enter()
      return
    }
    const what = missing ?? 'The result is missing.'
    if (this.nudges >= nudgesAllowed)
      return this.fail(phase === 'planning' ? 'no_spec' : 'no_changes', `${what} The agent was told ${nudgesAllowed} times.`)
    this.nudges += 1
    await this.prompt('nudge', what, this.nudgeKey())
  }

  private async turnFailed(turn: TurnEnded): Promise<void> {
    const why = turn.message ?? `The agent ended its turn with "${turn.outcome}".`
    this.errors += 1
    const hopeless = turn.outcome === 'error' && !turn.retryable
    if (hopeless || this.errors >= agentErrorsAllowed) return this.fail('agent_failed', why)
    await this.say(`The agent failed (${why.slice(0, 200)}); trying again`)
    await this.prompt('nudge', `The last turn ended with an error: ${why}`.slice(0, 2000), this.nudgeKey())
  }

  /** An agent that waits for an answer is not stuck, however long people take. */
  private async waitsForPerson(): Promise<boolean> {
    return (await control.loadTask({ taskId: this.taskId })).waitsForPerson
  }

  /** What a person says to an agent they stopped becomes the work that is waited for. */
  private async personSpoke(sessionId: SessionId, { promptId, mode }: PersonPrompt): Promise<void> {
    if (this.held && isWorking(this.status)) {
      this.held = false
      this.currentPromptId = promptId
      this.restartDeadline()
    }
    await promptSession(sessionId, promptId, mode)
  }

  /** A person ended the turn: what they said meanwhile comes first, then the work goes on; one that was only stopped waits. */
  private async turnEndedBy(how: NonNullable<TurnEnded['endedBy']>): Promise<void> {
    if (how === 'interrupted') return this.prompt('nudge', interruptedNote, this.nudgeKey())
    this.held = true
    this.deadlineAt = null
    await this.say('Stopped by a person: send a message to go on')
  }

  private nudgeKey(): string {
    return `${specTaskWorkflowId(this.taskId)}/${this.step}/${this.currentPromptId}`
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

  private async fail(code: string, message: string): Promise<void> {
    const verdict = await this.move('fail', { failure: { code, message }, reason: message })
    if (verdict.accepted) await this.enter()
  }

  private async say(activity: string): Promise<void> {
    await cosmetic
      .setActivity({ taskId: this.taskId, step: this.step, activity: activity.slice(0, 500) })
      .catch((error) => log.warn('activity not shown', { error: String(error) }))
  }
}
