import type { BudgetStopId, OrgId, ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import type { OrgPermission } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { appendEvent } from '../../../events/store.ts'
import { raise } from '../../../inbox/store.ts'
import { OverviewStore } from '../overview/store.ts'
import { endStop, openStop, pauseAt, type Stop } from './store.ts'

/** Units: seconds. Agents stop within seconds of a refusal: one that went on for so long found another way. */
const refusedWithin = 90

interface Owner {
  id: SessionId
  org_id: OrgId
  project_id: ProjectId
  task_id: TaskId | null
}

/** Every budget above the session has room for the call that was refused, or for any call where that is another unit. */
export async function hasRoom(
  db: Knex,
  stop: Pick<Stop, 'orgId' | 'projectId' | 'taskId' | 'sessionId' | 'budgetId' | 'needs'>,
): Promise<boolean> {
  const above = await new OverviewStore(db).left(stop.orgId, stop)
  const unit = above.find(({ budgetId }) => budgetId === stop.budgetId)?.unit
  return above.every((budget) => budget.left >= (budget.unit === unit ? Math.max(1, stop.needs) : 1))
}

/** Who may raise a budget, by what it is about. */
async function permissionFor(db: Knex, stop: Stop): Promise<OrgPermission> {
  const budget =
    stop.budgetId === null ? undefined : await db('budgets').where({ id: stop.budgetId }).first('project_id', 'task_id', 'session_id')
  if (budget === undefined || budget.task_id !== null || budget.session_id !== null) return 'task:write'
  return budget.project_id === null ? 'organisation:write' : 'project:write'
}

/** The card and the pages of what waits are read again. */
export async function tellWaiting(trx: Knex, stop: Pick<Stop, 'orgId' | 'projectId' | 'taskId' | 'sessionId'>): Promise<void> {
  const { orgId, projectId, taskId, sessionId } = stop
  if (taskId !== null) {
    const task = await trx('spec_tasks').where({ id: taskId }).first('status', 'step')
    if (task !== undefined) await appendEvent(trx, orgId, { type: 'task.changed', projectId, taskId, status: task.status, step: task.step })
    return
  }
  const session = await trx('agent_sessions').where({ id: sessionId }).first('state')
  if (session !== undefined) await appendEvent(trx, orgId, { type: 'session.changed', projectId, sessionId, taskId, state: session.state })
}

/**
 * A turn of the session has ended: whether because a budget had no room. Then it waits from now on, and who may raise the budget is asked to. Part of
 * the transaction that writes the end of the turn; asked again it answers the same.
 */
export async function pauseIfRefused(
  trx: Knex,
  session: Owner,
  promptId: string,
): Promise<{ stopId: BudgetStopId; message: string } | null> {
  const stop = await openStop(trx, session.id, refusedWithin)
  if (stop === null) return null
  if (stop.pausedAt === null) {
    if (await hasRoom(trx, stop)) {
      await endStop(trx, stop.id, 'There was room again')
      return null
    }
    await pauseAt(trx, stop.id, promptId)
    const about = { orgId: stop.orgId, projectId: stop.projectId, taskId: stop.taskId, sessionId: stop.sessionId, subject: stop.id }
    const permission = await permissionFor(trx, stop)
    await raise(trx, { ...about, kind: 'budget', title: 'Needs budget', detail: stop.message, permission })
    await tellWaiting(trx, stop)
  }
  return { stopId: stop.id, message: stop.message }
}
