import { budgetThresholds } from '@helix/contract/budgets'
import type { BudgetId, OrgId, ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import type { OrgPermission } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { appendEvent } from '../../../events/store.ts'
import { raise, settle } from '../../../inbox/store.ts'
import type { Unit } from '../account.ts'
import { startOfPeriod } from '../ledger/store.ts'
import type { Period } from '../store.ts'
import { amountWords, periodWords } from '../words.ts'

const start = startOfPeriod('now()')
const used = `coalesce((select sum(l.used)::bigint from budget_leases l where l.budget_id = p.budget_id and l.starts_on = p.starts_on), 0)`
const reached = `case ${[...budgetThresholds]
  .reverse()
  .map((percent) => `when (p.spent + ${used}) * 100 >= b.limit_amount * ${percent} then ${percent}`)
  .join(' ')} else 0 end`

interface Passed {
  id: BudgetId
  org_id: OrgId
  project_id: ProjectId | null
  task_id: TaskId | null
  session_id: SessionId | null
  period: Period
  unit: Unit
  limit_amount: number
  starts_on: string
  spent: number
  reached: number
}

const permissionOf = ({ project_id, task_id, session_id }: Passed): OrgPermission => {
  if (task_id !== null || session_id !== null) return 'task:write'
  return project_id === null ? 'organisation:write' : 'project:write'
}

const kindOf = ({ project_id, task_id, session_id }: Passed): string => {
  if (session_id !== null) return 'session’s'
  if (task_id !== null) return 'task’s'
  return project_id === null ? 'organisation’s' : 'project’s'
}

async function tell(trx: Knex, passed: Passed): Promise<boolean> {
  const { id, org_id: orgId, project_id: projectId, unit, period, limit_amount: limit, spent } = passed
  // Whoever writes it first tells it.
  const told = await trx('budget_periods')
    .where({ budget_id: id })
    .andWhereRaw(`starts_on = ?::date and notified < ?`, [passed.starts_on, passed.reached])
    .update({ notified: passed.reached })
  if (told === 0) return false
  await settle(trx, orgId, { kinds: ['spending'], subject: id }, { userId: null, reason: 'More is spent by now' })
  await raise(trx, {
    orgId,
    projectId,
    taskId: passed.task_id,
    ...(passed.task_id === null && passed.session_id !== null ? { sessionId: passed.session_id } : {}),
    kind: 'spending',
    subject: id,
    title: `${passed.reached} % of the ${kindOf(passed)} budget is spent`,
    detail: `${amountWords(unit, spent)} of ${amountWords(unit, limit)} ${periodWords[period]}.`,
    permission: permissionOf(passed),
  })
  await appendEvent(trx, orgId, { type: 'budget.changed', ...(projectId === null ? {} : { projectId }) })
  return true
}

/** Raises an inbox item for each budget that passed a threshold since it was told last; once for each threshold and period. Answers whose. */
export async function tellThresholds(db: Knex): Promise<Set<OrgId>> {
  const { rows } = (await db.raw(
    `select b.id, b.org_id, b.project_id, b.task_id, b.session_id, b.period, b.unit, b.limit_amount, to_char(p.starts_on, 'YYYY-MM-DD') as starts_on,
       p.spent + ${used} as spent, ${reached} as reached
     from budget_periods p join budgets b on b.id = p.budget_id
     where p.starts_on = ${start} and b.limit_amount > 0 and p.notified < ${budgetThresholds.at(-1)} and ${reached} > p.notified limit 100`,
  )) as { rows: Passed[] }
  const orgs = new Set<OrgId>()
  for (const passed of rows) if (await db.transaction((trx) => tell(trx, passed))) orgs.add(passed.org_id)
  return orgs
}

/** Keeps where each budget stands, for plots: a quarter of an hour, a quarter of a day or a day apart, by its period. */
export async function notePoints(db: Knex): Promise<void> {
  await db.raw(
    `insert into budget_points (budget_id, starts_on, stretch, org_id, at, spent)
     select p.budget_id, p.starts_on,
       date_bin(case b.period when 'day' then interval '15 minutes' when 'month' then interval '6 hours' else interval '1 day' end, now(),
         timestamptz '2020-01-01'), p.org_id, now(), p.spent + ${used}
     from budget_periods p join budgets b on b.id = p.budget_id where p.starts_on = ${start}
     on conflict (budget_id, starts_on, stretch) do update set at = excluded.at, spent = excluded.spent where budget_points.spent <> excluded.spent`,
  )
  await db('budget_points').whereRaw(`stretch < now() - interval '400 days'`).delete()
}
