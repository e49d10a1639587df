import type { BodyOf, ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { TaskId } from '@helix/contract/ids'
import type { recordStep } from '@helix/contract/internal'
import type { TaskStatus } from '@helix/contract/task-status'
import type { Knex } from 'knex'
import { appendEvent } from '../events/store.ts'
import { stopsAreOver } from '../gateway/budgets/stops/resume.ts'
import { didTheirPart } from '../inbox/concern.ts'
import { inboxStep } from '../inbox/steps.ts'
import { approvalProblem, countApproval, endRound, insertReview } from '../reviews/decisions.ts'
import { branchProblem, revisionProblem } from '../tasks/binding.ts'
import type { TaskRow } from '../tasks/store.ts'
import { archiveFields, reopenItems } from './archive/store.ts'
import { wakeAfterEdit, wakeDependents } from './slots.ts'

type Step = BodyOf<typeof recordStep>
type Outcome = ResponseOf<typeof recordStep>

/** What the decision binds to must still be the newest. */
async function outdated(trx: Knex, row: TaskRow, step: Step): Promise<Outcome | null> {
  const spec = step.expectSpecCommit === null ? null : await revisionProblem(trx, row, step.expectSpecCommit)
  if (spec !== null) return { outcome: 'revision_outdated', reason: spec }
  const branch = step.expectBranchCommit === null ? null : await branchProblem(trx, row, step.expectBranchCommit)
  return branch === null ? null : { outcome: 'branch_moved', reason: branch }
}

/** A rule of the project says no, or an approval counts and others must follow; null when the step may be written. */
async function decided(trx: Knex, row: TaskRow, step: Step): Promise<Outcome | null> {
  const subject = step.cause === 'approve_spec' ? 'spec' : step.cause === 'approve_implementation' ? 'implementation' : null
  const problem = subject === null ? null : await approvalProblem(trx, row, step.actorId, subject)
  if (problem !== null) return { outcome: 'refused', reason: problem }
  const { review: decision, actorId } = step
  if (decision === null || actorId === null) return null
  if (decision.verdict !== 'approved') return null
  const counted = await countApproval(trx, row, { actorId, step: step.step, decision })
  if (counted === null) return null
  const activity = `The spec waits for your review: ${counted}`
  await trx('spec_tasks').where({ id: row.id }).update({ activity })
  const about = { projectId: row.project_id, taskId: row.id }
  await appendEvent(trx, row.org_id, { type: 'task.activity', ...about, activity })
  await appendEvent(trx, row.org_id, { type: 'spec.reviewed', ...about })
  await didTheirPart(trx, { orgId: row.org_id, ...about, userId: actorId })
  return { outcome: 'counted', reason: counted }
}

async function writeReview(trx: Knex, row: TaskRow, step: Step): Promise<void> {
  const { review: decision, actorId } = step
  if (decision === null || actorId === null || decision.verdict === 'approved') return
  if (!(await insertReview(trx, row, { actorId, step: step.step, decision })))
    throw new HelixError('not_found', 'There is no revision with this commit.')
  // The agent is told all that is open, again what it was told before: only people say that a comment is dealt with.
  if (decision.verdict === 'changes_requested')
    await trx('spec_comments').where({ task_id: row.id }).whereNull('resolved_at').whereNull('sent_at').update({ sent_at: trx.fn.now() })
}

const worksNow = (status: TaskStatus): boolean => status === 'planning' || status === 'implementing'

/** Those behind a task that leaves the queue without taking a place, and those that depend on one that is not waited for any more, or is again. */
async function wakeOthers(trx: Knex, row: TaskRow, step: Step): Promise<void> {
  if (step.from.startsWith('queued_') && !worksNow(step.to)) await wakeAfterEdit(trx, row.org_id, row.project_id)
  if (step.mergedCommit !== null || step.to === 'archived' || step.from === 'archived') await wakeDependents(trx, row.org_id, row.id)
}

/** Writes a status by compare-and-set on the step number, with its timeline row and event; a late or doubled write changes nothing. */
export async function writeStep(trx: Knex, taskId: TaskId, step: Step): Promise<Outcome> {
  const row = (await trx('spec_tasks').where({ id: taskId }).forUpdate().first()) as TaskRow | undefined
  if (row === undefined) throw new HelixError('not_found')
  if (row.step === step.step && row.step_key === step.key) return { outcome: 'written', reason: null }
  if (row.step !== step.step - 1 || row.status !== step.from)
    return { outcome: 'late', reason: `The row is at step ${row.step} (${row.status}).` }
  const refused = await outdated(trx, row, step)
  if (refused !== null) return refused
  const undecided = await decided(trx, row, step)
  if (undecided !== null) return undecided
  await trx('spec_tasks')
    .where({ id: taskId })
    .update({
      status: step.to,
      step: step.step,
      step_key: step.key,
      failure: step.failure === null ? null : JSON.stringify(step.failure),
      failed_from: step.failedFrom,
      activity: step.activity,
      updated_at: trx.fn.now(),
      ...(step.to.startsWith('queued_') ? { queued_at: trx.fn.now() } : {}),
      ...(step.mergedCommit === null ? {} : { merged_commit: step.mergedCommit }),
      ...archiveFields(trx, row, step),
    })
  await trx('task_steps').insert({
    task_id: taskId,
    step: step.step,
    org_id: row.org_id,
    status: step.to,
    cause: step.cause,
    reason: step.reason,
    actor_id: step.actorId,
  })
  await writeReview(trx, row, step)
  await endRound(trx, taskId, step.from, step.to)
  if (step.cause === 'undo_archive') await reopenItems(trx, row)
  await inboxStep(trx, row, step)
  await stopsAreOver(trx, taskId)
  await wakeOthers(trx, row, step)
  await appendEvent(trx, row.org_id, { type: 'task.changed', projectId: row.project_id, taskId, status: step.to, step: step.step })
  return { outcome: 'written', reason: null }
}
