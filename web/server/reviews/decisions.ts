import type { UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import type { TaskRow } from '../tasks/store.ts'

type Reviewed = Pick<TaskRow, 'id' | 'org_id' | 'project_id' | 'created_by'>

export interface Decision {
  verdict: 'approved' | 'changes_requested' | 'rejected'
  commit: string
  note: string
}

/** Which approval it is about: the rules on threads are the spec's alone. */
export type Subject = 'spec' | 'implementation'

/** Why the project's rules let this person not approve; null when they do. */
export async function approvalProblem(db: Knex, task: Reviewed, actorId: UserId | null, subject: Subject): Promise<string | null> {
  const rules = await db('projects').where({ id: task.project_id }).first('self_approval', 'require_resolved')
  if (!rules.self_approval && actorId === task.created_by)
    return 'You created this task, and the project asks that somebody else approves it.'
  if (subject === 'implementation' || !rules.require_resolved) return null
  const open = await db('spec_comments').where({ task_id: task.id, parent_id: null, resolved_at: null }).count('* as count').first()
  const count = Number(open?.count ?? 0)
  if (count === 0) return null
  return `${count === 1 ? '1 thread is' : `${count} threads are`} open, and the project asks that all are resolved before an approval.`
}

/** How many people approved this commit, and how many must. */
export async function approvalsOf(db: Knex, task: Reviewed, commit: string): Promise<{ by: UserId[]; needed: number }> {
  const rules = await db('projects').where({ id: task.project_id }).first('approvals_needed')
  const rows = await db('spec_reviews')
    .where({ task_id: task.id, commit, verdict: 'approved', voided_at: null })
    .orderBy('created_at')
    .select('user_id')
  return { by: rows.map((row) => row.user_id), needed: rules.approvals_needed }
}

/**
 * Keeps an approval under the lock of the task's row; told twice, it counts once. Null when it is the last that was needed, else how many there
 * are.
 */
export async function countApproval(
  trx: Knex,
  task: Reviewed,
  { actorId, step, decision }: { actorId: UserId; step: number; decision: Decision },
): Promise<string | null> {
  await insertReview(trx, task, { actorId, step, decision })
  const { by, needed } = await approvalsOf(trx, task, decision.commit)
  return by.length >= needed ? null : `${by.length} of ${needed} approvals`
}

/** Writes what a person decided on a revision. A decision against it ends the approvals there were. */
export async function insertReview(
  trx: Knex,
  task: Reviewed,
  { actorId, step, decision }: { actorId: UserId; step: number; decision: Decision },
): Promise<boolean> {
  const revision = await trx('spec_revisions').where({ task_id: task.id, commit: decision.commit }).first('id')
  if (revision === undefined) return false
  const row = { id: newId('review'), org_id: task.org_id, task_id: task.id, revision_id: revision.id, user_id: actorId, step, ...decision }
  await trx('spec_reviews').insert(row).onConflict().ignore()
  if (decision.verdict !== 'approved')
    await voidApprovals(trx, task.id, decision.verdict === 'rejected' ? 'The spec was rejected' : 'Changes were requested')
  return true
}

/** The approvals there are do not count any more. Answers with how many those were. */
export async function voidApprovals(trx: Knex, taskId: TaskRow['id'], reason: string): Promise<number> {
  return trx('spec_reviews')
    .where({ task_id: taskId, verdict: 'approved', voided_at: null })
    .update({ voided_at: trx.fn.now(), void_reason: reason })
}
