import type { BodyOf, ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { TaskId } from '@helix/contract/ids'
import type { recordStep } from '@helix/contract/internal'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { TaskRow } from '../tasks/store.ts'

type Step = BodyOf<typeof recordStep>
type Outcome = ResponseOf<typeof recordStep>

const short = (commit: string): string => commit.slice(0, 9)

async function newestRevision(trx: Knex, taskId: TaskId): Promise<{ id: string; number: number; commit: string } | undefined> {
  return trx('spec_revisions').where({ task_id: taskId }).orderBy('number', 'desc').first('id', 'number', 'commit')
}

/** What the approval binds to must still be the newest; the answer names what is newer. */
async function outdated(trx: Knex, row: TaskRow, step: Step): Promise<Outcome | null> {
  if (step.expectSpecCommit !== null) {
    const newest = await newestRevision(trx, row.id)
    if (newest?.commit !== step.expectSpecCommit) {
      const reason =
        newest === undefined
          ? 'The task has no spec yet.'
          : `Revision ${newest.number} (${short(newest.commit)}) is newer than ${short(step.expectSpecCommit)}: read it first.`
      return { outcome: 'revision_outdated', reason }
    }
  }
  if (step.expectBranchCommit === null) return null
  const ref = await trx('repository_refs as f')
    .join('project_repositories as p', 'p.repository_id', 'f.repository_id')
    .where({ 'p.project_id': row.project_id, 'p.position': 0, 'f.ref': `refs/heads/${row.branch}` })
    .first('f.commit')
  if (ref?.commit === step.expectBranchCommit) return null
  return {
    outcome: 'branch_moved',
    reason: `The branch is at ${ref === undefined ? 'nothing' : short(ref.commit)} now, not at ${short(step.expectBranchCommit)}: look at the newest changes first.`,
  }
}

async function writeReview(trx: Knex, row: TaskRow, step: Step): Promise<void> {
  if (step.review === null || step.actorId === null) return
  const revision = await trx('spec_revisions').where({ task_id: row.id, commit: step.review.commit }).first('id')
  if (revision === undefined) throw new HelixError('not_found', 'There is no revision with this commit.')
  const review = {
    id: newId('review'),
    org_id: row.org_id,
    task_id: row.id,
    revision_id: revision.id,
    user_id: step.actorId,
    step: step.step,
    ...step.review,
  }
  await trx('spec_reviews').insert(review).onConflict(['task_id', 'step']).ignore()
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
  await appendEvent(trx, row.org_id, { type: 'task.changed', projectId: row.project_id, taskId, status: step.to, step: step.step })
  return { outcome: 'written', reason: null }
}
