import type { BudgetStop } from '@helix/contract/budgets'
import type { ResponseOf } from '@helix/contract/endpoint'
import type { BudgetId, BudgetStopId, OrgId, ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import type { getTimeline } from '@helix/contract/task-work'
import type { Knex } from 'knex'
import { newId } from '../../../context.ts'

export interface NewStop {
  orgId: OrgId
  sessionId: SessionId
  budgetId: BudgetId
  /** What the refused call could have cost, in the budget's unit. */
  needs: number
  message: string
}

export interface Stop {
  id: BudgetStopId
  orgId: OrgId
  projectId: ProjectId
  taskId: TaskId | null
  sessionId: SessionId
  budgetId: BudgetId | null
  needs: number
  message: string
  pausedAt: Date | null
}

// biome-ignore lint/suspicious/noExplicitAny: a row
const readStop = (row: any): Stop => ({
  id: row.id,
  orgId: row.org_id,
  projectId: row.project_id,
  taskId: row.task_id,
  sessionId: row.session_id,
  budgetId: row.budget_id,
  needs: row.needs,
  message: row.message,
  pausedAt: row.paused_at,
})

/** A session has one open stop; a further refusal renews it. */
export async function noteRefusal(db: Knex, stop: NewStop): Promise<void> {
  await db.raw(
    `insert into budget_stops (id, org_id, project_id, task_id, session_id, budget_id, needs, message)
     select ?, s.org_id, s.project_id, s.task_id, s.id, ?, ?, ? from agent_sessions s where s.id = ? and s.org_id = ?
     on conflict (session_id) where ended_at is null do update
       set stopped_at = now(), budget_id = excluded.budget_id, needs = excluded.needs, message = excluded.message`,
    [newId('budgetStop'), stop.budgetId, stop.needs, stop.message, stop.sessionId, stop.orgId],
  )
}

/** The session's open stop, locked; null where there is none, or where its last refusal is older than `withinSeconds`. */
export async function openStop(trx: Knex, sessionId: SessionId, withinSeconds: number): Promise<Stop | null> {
  const row = await trx('budget_stops')
    .where({ session_id: sessionId })
    .whereNull('ended_at')
    .andWhereRaw(`(paused_at is not null or stopped_at > now() - make_interval(secs => ?))`, [withinSeconds])
    .forUpdate()
    .first()
  return row === undefined ? null : readStop(row)
}

/** False: it is paused already. */
export async function pauseAt(trx: Knex, id: BudgetStopId, promptId: string): Promise<boolean> {
  const paused = { paused_at: trx.fn.now(), prompt_id: promptId }
  return (await trx('budget_stops').where({ id }).whereNull('paused_at').whereNull('ended_at').update(paused)) === 1
}

/** False: somebody was quicker. */
export async function endStop(trx: Knex, id: BudgetStopId, reason: string): Promise<boolean> {
  return (
    (await trx('budget_stops')
      .where({ id })
      .whereNull('ended_at')
      .update({ ended_at: trx.fn.now(), end_reason: reason.slice(0, 300) })) === 1
  )
}

/** Stops that wait, those of one organisation or anybody's. */
export async function waitingStops(db: Knex, orgId: OrgId | null): Promise<Stop[]> {
  const query = db('budget_stops').whereNull('ended_at').whereNotNull('paused_at').orderBy('paused_at').limit(500)
  if (orgId !== null) query.andWhere({ org_id: orgId })
  return (await query).map(readStop)
}

/** How many sessions of the organisation, or of one of its projects, wait for budget. */
export async function waitingIn(db: Knex, orgId: OrgId, projectId: ProjectId | null): Promise<number> {
  const query = db('budget_stops').where({ org_id: orgId }).whereNull('ended_at').whereNotNull('paused_at')
  if (projectId !== null) query.andWhere({ project_id: projectId })
  const row = await query.count('* as count').first()
  return Number(row?.count ?? 0)
}

/** Why a task or a session waits for budget; null: it does not. */
export async function stopOf(db: Knex, of: { taskId: TaskId } | { sessionId: SessionId }): Promise<BudgetStop | null> {
  const row = await db('budget_stops')
    .where('taskId' in of ? { task_id: of.taskId } : { session_id: of.sessionId })
    .whereNull('ended_at')
    .whereNotNull('paused_at')
    .first()
  if (row === undefined) return null
  return { id: row.id, message: row.message, budgetId: row.budget_id, needs: row.needs, at: row.paused_at.toISOString() }
}

/** For the timeline, oldest first. */
export async function stopsOfTask(db: Knex, taskId: TaskId): Promise<ResponseOf<typeof getTimeline>['budgetStops']> {
  const rows = await db('budget_stops').where({ task_id: taskId }).whereNotNull('paused_at').orderBy('paused_at')
  return rows.map((row) => ({
    id: row.id,
    message: row.message,
    at: row.paused_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    endReason: row.end_reason,
  }))
}
