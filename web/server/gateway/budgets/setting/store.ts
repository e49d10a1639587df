import type { BudgetPeriod, BudgetUnit, setBudget } from '@helix/contract/budgets'
import { budgetThresholds } from '@helix/contract/budgets'
import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { BudgetId, OrgId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { newId } from '../../../context.ts'
import { appendEvent } from '../../../events/store.ts'
import { settle } from '../../../inbox/store.ts'
import { startOfPeriod } from '../ledger/store.ts'
import { budgetsChanged } from '../line.ts'
import type { About } from '../store.ts'
import { amountWords } from '../words.ts'

type Setting = BodyOf<typeof setBudget>

export interface Target extends About {
  orgId: OrgId
}

const start = startOfPeriod('now()')
const aboutSql = `org_id = :org and coalesce(project_id, '') = :project and coalesce(task_id, '') = :task and coalesce(session_id, '') = :session
  and period = :period and unit = :unit`
const valuesOf = ({ orgId, projectId, taskId, sessionId }: Target, period: BudgetPeriod, unit: BudgetUnit) => ({
  org: orgId,
  project: projectId ?? '',
  task: taskId ?? '',
  session: sessionId ?? '',
  period,
  unit,
})

async function changed(trx: Knex, { orgId, projectId }: Target): Promise<void> {
  await budgetsChanged(trx, orgId)
  await appendEvent(trx, orgId, { type: 'budget.changed', ...(projectId === null ? {} : { projectId }) })
}

/** Told again are only thresholds that are passed from now on. */
async function retell(trx: Knex, orgId: OrgId, id: BudgetId): Promise<void> {
  const passed = budgetThresholds.map((percent) => `when x.spent * 100 >= x.limit_amount * ${percent} then ${percent}`).reverse()
  await trx.raw(
    `update budget_periods p set notified = case ${passed.join(' ')} else 0 end from (
       select b.id, b.limit_amount, ${start} as starts_on, coalesce(q.spent, 0) + coalesce(sum(l.used), 0) as spent
       from budgets b left join budget_periods q on q.budget_id = b.id and q.starts_on = ${start}
         left join budget_leases l on l.budget_id = b.id and l.starts_on = ${start} where b.id = ? group by b.id, q.spent) x
     where p.budget_id = x.id and p.starts_on = x.starts_on and p.notified > case ${passed.join(' ')} else 0 end`,
    [id],
  )
  await settle(trx, orgId, { kinds: ['spending'], subject: id }, { userId: null, reason: 'The budget was changed' })
}

/** What was spent before a budget was made counts in its first period, as far as rows of usage say. */
async function begin(trx: Knex, id: BudgetId): Promise<void> {
  await trx.raw(
    `insert into budget_periods (budget_id, starts_on, org_id, spent)
     select b.id, ${start}, b.org_id, coalesce((
       select sum(case b.unit when 'tokens' then coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) else u.micro_usd end)::bigint from usage u
       where u.org_id = b.org_id and u.created_at >= ${start}::timestamp at time zone 'UTC'
         and (b.project_id is null or u.project_id = b.project_id) and (b.task_id is null or u.task_id = b.task_id)
         and (b.session_id is null or u.session_id = b.session_id)), 0)
     from budgets b where b.id = ? on conflict do nothing`,
    [id],
  )
}

/** Sets the limit for a period and unit, whether there was one or not. Refused when it is not what the caller saw. */
export async function setLimit(trx: Knex, target: Target, { period, unit, limit, was }: Setting, by: UserId): Promise<BudgetId> {
  const values = valuesOf(target, period, unit)
  const found = await trx('budgets').whereRaw(aboutSql, values).forUpdate().first('id', 'limit_amount')
  const before: number | null = found?.limit_amount ?? null
  if (was !== undefined && was !== before) {
    const now = before === null ? 'there is none any more' : `it is ${amountWords(unit, before)} now`
    throw new HelixError('conflict', `Somebody else changed this budget: ${now}. Look again.`, { limit: before })
  }
  if (found !== undefined) {
    const values = { limit_amount: limit, updated_at: trx.fn.now(), version: trx.raw('version + 1') }
    if (before !== limit) await trx('budgets').where({ id: found.id }).update(values)
    await retell(trx, target.orgId, found.id)
    await changed(trx, target)
    return found.id
  }
  const id = newId('budget')
  const { orgId, projectId, taskId, sessionId } = target
  const about = { org_id: orgId, project_id: projectId, task_id: taskId, session_id: sessionId }
  const made = await trx('budgets')
    .insert({ id, ...about, period, unit, limit_amount: limit, created_by: by })
    .onConflict(trx.raw(`(org_id, coalesce(project_id, ''), coalesce(task_id, ''), coalesce(session_id, ''), period, unit)`))
    .ignore()
    .returning('id')
  if (made.length === 0) throw new HelixError('conflict', 'Somebody else made this budget at the same moment. Look again.')
  await begin(trx, id)
  await changed(trx, target)
  return id
}

/** Throws `not_found` where there is none. */
export async function removeLimit(trx: Knex, target: Target, period: BudgetPeriod, unit: BudgetUnit): Promise<void> {
  const [removed] = await trx('budgets')
    .whereRaw(aboutSql, valuesOf(target, period, unit))
    .delete()
    .returning('id')
  if (removed === undefined) throw new HelixError('not_found', 'There is no such budget.')
  await settle(trx, target.orgId, { kinds: ['spending'], subject: removed.id }, { userId: null, reason: 'The budget was removed' })
  await changed(trx, target)
}
