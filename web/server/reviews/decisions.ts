import type { UserId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import type { TaskStatus } from '@helix/contract/task-status'
import type { Knex } from 'knex'
import { peopleOnProject } from '../access/store.ts'
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
  const own = rules.self_approval || subject !== 'spec' ? null : await newestPusher(db, task)
  if (own !== null && own.userId === actorId)
    return `You committed revision ${own.number}, and the project asks that somebody else approves it.`
  if (subject === 'implementation' || !rules.require_resolved) return null
  const open = await db('spec_comments').where({ task_id: task.id, parent_id: null, resolved_at: null }).count('* as count').first()
  const count = Number(open?.count ?? 0)
  if (count === 0) return null
  return `${count === 1 ? '1 thread is' : `${count} threads are`} open, and the project asks that all are resolved before an approval.`
}

/** Who pushed the newest revision: nobody where an agent did. */
async function newestPusher(db: Knex, task: Reviewed): Promise<{ number: number; userId: UserId | null } | null> {
  const row = await db('spec_revisions as r')
    .leftJoin('pushes as p', (join) => join.on('p.id', 'r.push_id').andOn('p.new_commit', 'r.commit'))
    .where({ 'r.task_id': task.id })
    .orderBy('r.number', 'desc')
    .first('r.number', 'p.user_id')
  return row === undefined ? null : { number: row.number, userId: row.user_id }
}

/** The commit whose approvals are told: the newest revision's during the review, afterwards the one that was approved. */
export async function decidedCommit(db: Knex, task: Reviewed & { status: TaskStatus }, newest: string): Promise<string> {
  if (task.status === 'spec_review') return newest
  const approval = { task_id: task.id, verdict: 'approved', voided_at: null }
  const row = await db('spec_reviews').where(approval).orderBy('created_at', 'desc').first('commit')
  return row?.commit ?? newest
}

/** How many people approved this commit, and how many must. Who may review no more does not count. */
export async function approvalsOf(db: Knex, task: Reviewed, commit: string): Promise<{ by: UserId[]; needed: number }> {
  const rules = await db('projects').where({ id: task.project_id }).first('approvals_needed')
  const rows = await db('spec_reviews')
    .where({ task_id: task.id, commit, verdict: 'approved', voided_at: null })
    .orderBy('created_at')
    .select('user_id')
  const people = rows.length === 0 ? new Map() : await peopleOnProject(db, task.org_id, task.project_id)
  const able = rows.map(({ user_id }) => user_id).filter((id) => people.has(id) && roleGrants(people.get(id), 'task:review'))
  return { by: able, needed: rules.approvals_needed }
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

/** The approvals there are do not count any more. Answers with whose those were. */
export async function voidApprovals(trx: Knex, taskId: TaskRow['id'], reason: string): Promise<UserId[]> {
  const rows = await trx('spec_reviews')
    .where({ task_id: taskId, verdict: 'approved', voided_at: null })
    .update({ voided_at: trx.fn.now(), void_reason: reason })
    .returning('user_id')
  return [...new Set(rows.map(({ user_id }) => user_id as UserId))]
}

/** Approvals belong to one round of planning: what was approved before the task began anew is not approved again by it. */
export async function endRound(trx: Knex, taskId: TaskRow['id'], from: TaskStatus, to: TaskStatus): Promise<void> {
  const anew = to === 'backlog' || to === 'queued_planning' || to === 'planning' || (from === 'planning' && to === 'spec_review')
  if (anew) await voidApprovals(trx, taskId, to === 'backlog' ? 'The task went back to the backlog' : 'The task was planned anew')
}
