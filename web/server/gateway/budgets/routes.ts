import type { Budget, BudgetScope } from '@helix/contract/budgets'
import * as contract from '@helix/contract/budgets'
import { HelixError } from '@helix/contract/errors'
import type { SessionId, TaskId } from '@helix/contract/ids'
import { type OrgPermission, roleGrants } from '@helix/contract/permissions'
import { Router } from 'express'
import type { Context } from '../../context.ts'
import { type Actor, mount } from '../../http/mount.ts'
import { OverviewStore, type Shown, type Which } from './overview/store.ts'
import { limitsOf, writeLimits } from './rates/store.ts'
import { removeLimit, setLimit, type Target } from './setting/store.ts'
import { resumeStops } from './stops/resume.ts'
import { stopOf, waitingIn } from './stops/store.ts'

const changedWith: Record<BudgetScope, OrgPermission> = {
  organisation: 'organisation:write',
  project: 'project:write',
  task: 'task:write',
  session: 'task:write',
}

/** Of the organisation by the role in it, of all else by the role on the project. */
function mayChange({ role, orgRole }: Actor, scope: BudgetScope): boolean {
  return roleGrants(scope === 'organisation' ? orgRole : role, changedWith[scope])
}

class Budgets {
  private readonly context: Context
  private readonly overview: OverviewStore

  constructor(context: Context) {
    this.context = context
    this.overview = new OverviewStore(context.db)
  }

  async list(actor: Actor, which: Which): Promise<Budget[]> {
    const shown = await this.overview.list(which)
    const points = await this.overview.points(shown.map(({ id }) => id))
    return shown.map((one) => this.budgetOf(actor, one, points.get(one.id) ?? []))
  }

  private budgetOf(actor: Actor, shown: Shown, points: Budget['points']): Budget {
    return { ...shown, points, mayChange: mayChange(actor, shown.scope) }
  }

  async set(actor: Actor, target: Target, setting: Parameters<typeof setLimit>[2]): Promise<{ budget: Budget; resumed: number }> {
    const { db, bus } = this.context
    const id = await db.transaction((trx) => setLimit(trx, target, setting, actor.userId))
    bus.wake(actor.orgId)
    const resumed = await resumeStops(this.context, actor.orgId, actor.userId)
    const [budget] = await this.list(actor, { orgId: actor.orgId, id })
    if (budget === undefined) throw new HelixError('conflict', 'Somebody else removed this budget at the same moment.')
    return { budget, resumed }
  }

  async remove(actor: Actor, target: Target, { period, unit }: Pick<Budget, 'period' | 'unit'>): Promise<Record<string, never>> {
    await this.context.db.transaction((trx) => removeLimit(trx, target, period, unit))
    this.context.bus.wake(actor.orgId)
    await resumeStops(this.context, actor.orgId, actor.userId)
    return {}
  }
}

const none = { projectId: null, taskId: null, sessionId: null }

/** Budgets of the organisation, of projects, tasks and sessions, and limits of rate. */
export function budgetRoutes(context: Context): Router {
  const router = Router()
  const { db } = context
  const budgets = new Budgets(context)
  const organisation = (actor: Actor): Target => ({ orgId: actor.orgId, ...none })
  const project = (actor: Actor): Target => ({ ...organisation(actor), projectId: actor.projectId as Target['projectId'] })
  const task = (actor: Actor, taskId: TaskId): Target => ({ ...project(actor), taskId })
  const session = async (actor: Actor, sessionId: SessionId): Promise<Target> => {
    const row = await db('agent_sessions').where({ id: sessionId, org_id: actor.orgId }).first('task_id', 'project_id')
    if (row === undefined) throw new HelixError('not_found')
    return { orgId: actor.orgId, projectId: row.project_id, taskId: row.task_id, sessionId }
  }

  mount(router, context, contract.listBudgets, async ({ actor }) => ({
    items: await budgets.list(actor, { orgId: actor.orgId }),
    waiting: await waitingIn(db, actor.orgId, null),
  }))
  mount(router, context, contract.setBudget, ({ actor, body }) => budgets.set(actor, organisation(actor), body))
  mount(router, context, contract.removeBudget, ({ actor, params }) => budgets.remove(actor, organisation(actor), params))

  mount(router, context, contract.listProjectBudgets, async ({ actor, params }) => ({
    items: await budgets.list(actor, { orgId: actor.orgId, projectId: params.projectId }),
    waiting: await waitingIn(db, actor.orgId, params.projectId),
  }))
  mount(router, context, contract.setProjectBudget, ({ actor, body }) => budgets.set(actor, project(actor), body))
  mount(router, context, contract.removeProjectBudget, ({ actor, params }) => budgets.remove(actor, project(actor), params))

  mount(router, context, contract.listTaskBudgets, async ({ actor, params }) => {
    const row = await db('spec_tasks').where({ id: params.taskId, org_id: actor.orgId }).first('session_id')
    const above = { ...task(actor, params.taskId), sessionId: row?.session_id ?? null }
    return { items: await budgets.list(actor, { orgId: actor.orgId, above }), stop: await stopOf(db, { taskId: params.taskId }) }
  })
  mount(router, context, contract.setTaskBudget, ({ actor, params, body }) => budgets.set(actor, task(actor, params.taskId), body))
  mount(router, context, contract.removeTaskBudget, ({ actor, params }) => budgets.remove(actor, task(actor, params.taskId), params))

  mount(router, context, contract.listSessionBudgets, async ({ actor, params }) => ({
    items: await budgets.list(actor, { orgId: actor.orgId, above: await session(actor, params.sessionId) }),
    stop: await stopOf(db, { sessionId: params.sessionId }),
  }))
  mount(router, context, contract.setSessionBudget, async ({ actor, params, body }) =>
    budgets.set(actor, await session(actor, params.sessionId), body),
  )
  mount(router, context, contract.removeSessionBudget, async ({ actor, params }) =>
    budgets.remove(actor, await session(actor, params.sessionId), params),
  )

  mount(router, context, contract.getRateLimits, ({ actor }) => limitsOf(db, actor.orgId))
  mount(router, context, contract.setRateLimits, async ({ actor, body }) => {
    await db.transaction((trx) => writeLimits(trx, actor.orgId, body))
    return limitsOf(db, actor.orgId)
  })
  return router
}
