import type { PromptId } from '@helix/contract/ids'
import type { PromptKind, TaskSnapshot } from '@helix/contract/internal'
import type { TaskStatus } from '@helix/contract/task-status'
import { log, upsertSearchAttributes } from '@temporalio/workflow'
import { control, cosmetic } from './control.ts'
import type { BudgetCarried, SpecTaskCarried, SpecTaskState, TaskRequest, TaskVerdict } from './messages.ts'
import { type Move, stepOf } from './spec-task-step.ts'
import { endsSession, type MessageKind, type TaskFacts, transition } from './spec-task-transitions.ts'

/** What is known of one spec task, and how its row moves. What follows from a move is another's story. */
export abstract class SpecTaskRow {
  status: TaskStatus
  protected readonly taskId
  protected readonly snapshot: TaskSnapshot
  protected failedFrom: TaskStatus | null
  protected step: number
  protected sessionId
  protected currentPromptId: PromptId | null
  protected nudges: number
  protected errors = 0
  protected approvedCommit: string | null
  protected approvedById
  protected merged: boolean
  protected archivedFrom: TaskSnapshot['archivedFrom']
  protected sessionEnded: boolean
  /** What to ask the agent when work begins, and the note that goes with it. */
  protected ask: { kind: PromptKind; note: string | null } | null = null
  protected deadlineAt: number | null = null
  /** A person stopped the turn, or a budget had no room for it. */
  protected held: boolean
  protected budget: BudgetCarried
  /** When the reviewers are reminded next, and how often they were. */
  protected reminder: { at: number; count: number } | null

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
    this.budget = carried?.budget ?? { needed: null, raised: [] }
  }

  describe(): SpecTaskState {
    return { status: this.status, step: this.step, sessionId: this.sessionId, currentPromptId: this.currentPromptId }
  }

  carry(seen: string[]): SpecTaskCarried {
    const { status, failedFrom, step, currentPromptId, nudges, approvedCommit, approvedById, held, reminder, sessionEnded, budget } = this
    const decided = { approvedCommit, approvedById, reminder }
    return { status, failedFrom, step, seen, currentPromptId, nudges, held, sessionEnded, budget, ...decided }
  }

  publishStatus(): void {
    upsertSearchAttributes({ HelixStatus: [this.status] })
  }

  /** What a status begins with. */
  protected abstract enter(request?: TaskRequest): Promise<void>

  /** Asks the table, then writes the row. `late`: somebody else moved the row, so it is read again and the table asked once more. */
  protected async move(kind: MessageKind, move: Move): Promise<TaskVerdict> {
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

  protected async fail(code: string, message: string): Promise<void> {
    const verdict = await this.move('fail', { failure: { code, message }, reason: message })
    if (verdict.accepted) await this.enter()
  }

  protected async say(activity: string): Promise<void> {
    await cosmetic
      .setActivity({ taskId: this.taskId, step: this.step, activity: activity.slice(0, 500) })
      .catch((error) => log.warn('activity not shown', { error: String(error) }))
  }
}
