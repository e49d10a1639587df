import type { BudgetId, OrgId, ProjectId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Scope } from '../ports/scope.ts'
import type { Unit } from './account.ts'
import { budgetsChanged } from './line.ts'
import type { BucketRef } from './rates/rates.ts'
import { limitsOf } from './rates/store.ts'
import type { BudgetRef, ScopeSource } from './scopes.ts'

export type Period = 'day' | 'month' | 'total'

/** What a budget is about: the narrowest that is set, with all that are above it. */
export interface About {
  projectId: ProjectId | null
  taskId: TaskId | null
  sessionId: SessionId | null
}

export interface NewBudget extends About {
  id: BudgetId
  orgId: OrgId
  period: Period
  unit: Unit
  /** Micro-dollars or tokens. */
  limit: number
  createdBy: UserId | null
}

/** The budgets themselves; what is spent of them is the ledger's. */
export class BudgetStore implements ScopeSource {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async above(scope: Scope): Promise<{ budgets: BudgetRef[]; buckets: BucketRef[]; epoch: number }> {
    // Before the budgets: a change between the two is read again.
    const epoch = (await this.epochs([scope.orgId])).get(scope.orgId) ?? 0
    const rows = await this.db('budgets')
      .where({ org_id: scope.orgId })
      .andWhereRaw(
        `(project_id is null or project_id = :project) and (task_id is null or task_id = :task) and (session_id is null or session_id = :session)`,
        { project: scope.projectId ?? '', task: scope.taskId ?? '', session: scope.sessionId ?? '' },
      )
      .orderBy('id')
      .select('id', 'unit')
    return { budgets: rows.map(({ id, unit }) => ({ budgetId: id, unit })), buckets: await this.bucketsOf(scope), epoch }
  }

  private async bucketsOf({ orgId, keyPrefix, sessionId }: Scope): Promise<BucketRef[]> {
    const limits = await limitsOf(this.db, orgId)
    const names = { organisation: 'organisation', key: keyPrefix && `key/${keyPrefix}`, session: sessionId && `session/${sessionId}` }
    const buckets: BucketRef[] = []
    for (const scope of ['organisation', 'key', 'session'] as const) {
      const name = names[scope]
      if (name === null) continue
      const { requestsPerMinute, tokensPerMinute } = limits[scope]
      if (requestsPerMinute !== null)
        buckets.push({ orgId, scope, name: `${name}/requests`, kind: 'requests', perMinute: requestsPerMinute })
      if (tokensPerMinute !== null) buckets.push({ orgId, scope, name: `${name}/tokens`, kind: 'tokens', perMinute: tokensPerMinute })
    }
    return buckets
  }

  async epochs(orgIds: readonly OrgId[]): Promise<Map<OrgId, number>> {
    const rows = await this.db('budget_epochs')
      .whereIn('org_id', [...orgIds])
      .select('org_id', 'epoch')
    return new Map(rows.map(({ org_id, epoch }) => [org_id, epoch]))
  }

  /** False: there is one of this period and unit for the same thing. */
  async insert(trx: Knex, budget: NewBudget): Promise<boolean> {
    const made = await trx('budgets')
      .insert({
        id: budget.id,
        org_id: budget.orgId,
        project_id: budget.projectId,
        task_id: budget.taskId,
        session_id: budget.sessionId,
        period: budget.period,
        unit: budget.unit,
        limit_amount: budget.limit,
        created_by: budget.createdBy,
      })
      .onConflict(trx.raw(`(org_id, coalesce(project_id, ''), coalesce(task_id, ''), coalesce(session_id, ''), period, unit)`))
      .ignore()
      .returning('id')
    if (made.length === 0) return false
    await budgetsChanged(trx, budget.orgId)
    return true
  }
}
