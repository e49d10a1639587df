import type { BudgetStopId, OrgId, ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import type { OrgPermission } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { raise } from '../../../inbox/store.ts'
import { endStop, openStop, pauseAt, type Stop } from './store.ts'
import { goesOn, hasRoom, over, tellWaiting } from './waiting.ts'

/** Units: seconds. Agents stop within seconds of a refusal: one that went on for so long found another way. */
const refusedWithin = 90

interface Owner {
  id: SessionId
  org_id: OrgId
  project_id: ProjectId
  task_id: TaskId | null
}

/** Who may raise a budget, by what it is about. */
async function permissionFor(db: Knex, stop: Stop): Promise<OrgPermission> {
  const budget =
    stop.budgetId === null ? undefined : await db('budgets').where({ id: stop.budgetId }).first('project_id', 'task_id', 'session_id')
  if (budget === undefined || budget.task_id !== null || budget.session_id !== null) return 'task:write'
  return budget.project_id === null ? 'organisation:write' : 'project:write'
}

type Paused = { stopId: BudgetStopId; message: string }

async function pause(trx: Knex, stop: Stop, promptId: string): Promise<void> {
  await pauseAt(trx, stop.id, promptId)
  const about = { orgId: stop.orgId, projectId: stop.projectId, taskId: stop.taskId, sessionId: stop.sessionId, subject: stop.id }
  const permission = await permissionFor(trx, stop)
  await raise(trx, { ...about, kind: 'budget', title: 'Needs budget', detail: stop.message, permission })
  await tellWaiting(trx, stop)
}

/**
 * A turn of the session has ended: whether because a budget had no room. Then it waits from now on, and who may raise the budget is asked to; where
 * there is room by now, a turn that `failed` goes on at once. Part of the transaction that writes the end of the turn; asked again it answers the same.
 */
export async function pauseIfRefused(
  trx: Knex,
  session: Owner,
  { promptId, failed }: { promptId: string; failed: boolean },
): Promise<Paused | null> {
  const stop = await openStop(trx, session.id, refusedWithin)
  if (stop === null) return null
  const paused = { stopId: stop.id, message: stop.message }
  if (stop.pausedAt !== null) return paused
  // A question to the agent of a task that waits for people holds up nothing.
  const reason = await over(trx, stop)
  if (reason === null && !(await hasRoom(trx, stop))) {
    await pause(trx, stop, promptId)
    return paused
  }
  await endStop(trx, stop.id, reason ?? 'There was room again')
  if (reason !== null || !failed) return null
  await goesOn(trx, stop)
  return paused
}
