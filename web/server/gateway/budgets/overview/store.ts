import type { Budget, BudgetScope } from '@helix/contract/budgets'
import type { BudgetId, OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Unit } from '../account.ts'
import { startOfPeriod } from '../ledger/store.ts'
import type { About, Period } from '../store.ts'

/** The most budgets that one answer shows. */
const most = 500
/** Points of a plot. */
const mostPoints = 100

/** Which budgets: those that calls of something are held against, or all of a project with what is above it, or all. */
export type Which =
  | { orgId: OrgId; above: About }
  | { orgId: OrgId; projectId: NonNullable<About['projectId']> }
  | { orgId: OrgId; id: BudgetId }
  | { orgId: OrgId }

export type Shown = Omit<Budget, 'mayChange' | 'points'>

const start = startOfPeriod('now()')
const standing = `
  left join budget_periods bp on bp.budget_id = b.id and bp.starts_on = ${start}
  left join lateral (select sum(l.granted)::bigint as granted, sum(l.used)::bigint as used from budget_leases l
    where l.budget_id = b.id and l.starts_on = ${start}) held on true`

interface Row {
  id: BudgetId
  project_id: string | null
  task_id: string | null
  session_id: string | null
  period: Period
  unit: Unit
  limit_amount: number
  spent: number
  held: number
  starts_at: Date
  ends_at: Date | null
  project: string | null
  number: number | null
  task: string | null
  session: string | null
}

const scopeOf = (row: Row): BudgetScope =>
  row.session_id !== null ? 'session' : row.task_id !== null ? 'task' : row.project_id !== null ? 'project' : 'organisation'

const shownOf = (row: Row): Shown => ({
  id: row.id,
  scope: scopeOf(row),
  project: row.project_id === null ? null : { id: row.project_id as never, name: row.project ?? '' },
  task: row.task_id === null ? null : { id: row.task_id as never, number: row.number ?? 0, title: row.task ?? '' },
  session: row.session_id === null ? null : { id: row.session_id as never, title: row.session },
  period: row.period,
  unit: row.unit,
  limit: row.limit_amount,
  spent: row.spent,
  held: row.held,
  startsAt: row.period === 'total' ? null : row.starts_at.toISOString(),
  endsAt: row.ends_at?.toISOString() ?? null,
})

function where(which: Which): { sql: string; values: Record<string, string> } {
  if ('id' in which) return { sql: 'b.id = :id', values: { id: which.id } }
  if ('projectId' in which) return { sql: '(b.project_id is null or b.project_id = :project)', values: { project: which.projectId } }
  if (!('above' in which)) return { sql: 'true', values: {} }
  const { projectId, taskId, sessionId } = which.above
  return {
    sql: `(b.project_id is null or b.project_id = :project) and (b.task_id is null or b.task_id = :task)
      and (b.session_id is null or b.session_id = :session)`,
    values: { project: projectId ?? '', task: taskId ?? '', session: sessionId ?? '' },
  }
}

/** How budgets stand, for people. */
export class OverviewStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** The widest first. */
  async list(which: Which): Promise<Shown[]> {
    const { sql, values } = where(which)
    const { rows } = (await this.db.raw(
      `select b.id, b.project_id, b.task_id, b.session_id, b.period, b.unit, b.limit_amount, p.name as project, t.number, t.title as task, s.title as session,
         coalesce(bp.spent, 0) + coalesce(held.used, 0) as spent, coalesce(held.granted - held.used, 0) as held,
         ${start}::timestamp at time zone 'UTC' as starts_at,
         case when b.period <> 'total' then (${start} + ('1 ' || b.period)::interval) at time zone 'UTC' end as ends_at
       from budgets b ${standing}
         left join projects p on p.id = b.project_id left join spec_tasks t on t.id = b.task_id left join agent_sessions s on s.id = b.session_id
       where b.org_id = :org and p.deleted_at is null and ${sql}
       order by (b.project_id is not null)::int + (b.task_id is not null)::int + (b.session_id is not null)::int, b.created_at desc, b.id limit ${most}`,
      { org: which.orgId, ...values },
    )) as { rows: Row[] }
    return rows.map(shownOf)
  }

  /** What was spent in the running periods by when. */
  async points(ids: readonly BudgetId[]): Promise<Map<BudgetId, Budget['points']>> {
    const { rows } = (await this.db.raw(
      `select budget_id, at, spent from (
         select x.budget_id, x.at, x.spent, row_number() over (partition by x.budget_id order by x.stretch desc) as nth
         from budget_points x join budgets b on b.id = x.budget_id and x.starts_on = ${start} where x.budget_id = any(?)) newest
       where nth <= ${mostPoints} order by budget_id, at`,
      [[...ids]],
    )) as { rows: { budget_id: BudgetId; at: Date; spent: number }[] }
    const found = new Map<BudgetId, Budget['points']>()
    for (const { budget_id, at, spent } of rows) found.set(budget_id, [...(found.get(budget_id) ?? []), { at: at.toISOString(), spent }])
    return found
  }

  /** What is left of each budget above something, when all that is leased is counted as spent. */
  async left(orgId: OrgId, above: About): Promise<{ budgetId: BudgetId; unit: Unit; left: number }[]> {
    const { sql, values } = where({ orgId, above })
    const { rows } = (await this.db.raw(
      `select b.id as "budgetId", b.unit, b.limit_amount - coalesce(bp.spent, 0) - coalesce(held.granted, 0) as left
       from budgets b ${standing} where b.org_id = :org and ${sql}`,
      { org: orgId, ...values },
    )) as { rows: { budgetId: BudgetId; unit: Unit; left: number }[] }
    return rows
  }
}
