import type { BudgetId, OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Unit } from '../account.ts'

/** Units: seconds. A lease that its holder has not confirmed for so long has lapsed. */
export const leaseSeconds = 15
/** Units: seconds for which a process keeps nothing ready of what others lacked. */
const demandSeconds = 2

/** SQL over `budgets as b`: the first day of the period that runs at that time. */
export const startOfPeriod = (clock = 'clock_timestamp()'): string =>
  `case b.period when 'total' then date '1970-01-01' else date_trunc(b.period, ${clock} at time zone 'UTC')::date end`
const expiry = `clock_timestamp() + interval '${leaseSeconds} seconds'`

/** What a process lacks of one budget. */
export interface Lack {
  budgetId: BudgetId
  /** For all that wait, and for the one of them that needs least. */
  total: number
  least: number
  /** What is worth having above that. */
  ready: number
  /** The account that the process has; null: none yet. */
  account: { startsOn: string; cap: number; used: number; open: number } | null
}

/** How a budget stands, in its unit. */
export interface Standing {
  budgetId: BudgetId
  orgId: OrgId
  unit: Unit
  startsOn: string
  limit: number
  /** For certain: by ended leases, and by others as they told last. Without what this process used. */
  spent: number
  /** Of this process’ account now; null: nothing was granted. */
  cap: number | null
  /** The account that the process named has ended: this is a new one. */
  fresh: boolean
}

interface PeriodRow {
  budget_id: BudgetId
  org_id: OrgId
  starts_on: string
  unit: Unit
  limit: number
  spent: number
  granted: number
  others_granted: number
  others_used: number
  mine: boolean
  others: number
}

/** Nobody holds a budget's row for long, also not a process that stops in the middle. */
async function bounded(trx: Knex): Promise<void> {
  await trx.raw(`set local lock_timeout = '3s'`)
  await trx.raw(`set local idle_in_transaction_session_timeout = '3s'`)
}

/**
 * Locks the rows of the running periods in the order of their ids, then reads what their leases hold: by a statement of its own, whose snapshot is
 * newer than the locks.
 */
async function lockPeriods(trx: Knex, holder: string, currentStart: string, budgetIds: BudgetId[]): Promise<PeriodRow[]> {
  await trx.raw(
    `insert into budget_periods (budget_id, starts_on, org_id) select b.id, ${currentStart}, b.org_id from budgets b where b.id = any(?) order by b.id
     on conflict do nothing`,
    [budgetIds],
  )
  const { rows: locked } = (await trx.raw(
    `select p.budget_id, to_char(p.starts_on, 'YYYY-MM-DD') as starts_on from budget_periods p join budgets b on b.id = p.budget_id
     where b.id = any(?) and p.starts_on = ${currentStart} order by p.budget_id for update of p`,
    [budgetIds],
  )) as { rows: { budget_id: BudgetId; starts_on: string }[] }
  await trx.raw(
    `select 1 from budget_leases l join unnest(?::text[], ?::date[]) as g (budget_id, starts_on) using (budget_id, starts_on)
     where l.holder = ? order by l.budget_id for update of l`,
    [locked.map((row) => row.budget_id), locked.map((row) => row.starts_on), holder],
  )
  const { rows } = (await trx.raw(
    `select p.budget_id, p.org_id, to_char(p.starts_on, 'YYYY-MM-DD') as starts_on, b.unit, b.limit_amount as limit, p.spent,
       coalesce(sum(l.granted) filter (where l.holder <> :holder), 0)::bigint as others_granted,
       coalesce(sum(l.used) filter (where l.holder <> :holder), 0)::bigint as others_used,
       count(l.holder) filter (where l.holder <> :holder)::int as others, coalesce(bool_or(l.holder = :holder), false) as mine
     from budget_periods p join budgets b on b.id = p.budget_id
       join unnest(:ids::text[], :starts::date[]) as g (budget_id, starts_on) on g.budget_id = p.budget_id and g.starts_on = p.starts_on
       left join budget_leases l on l.budget_id = p.budget_id and l.starts_on = p.starts_on
     group by p.budget_id, p.starts_on, p.org_id, p.spent, b.id order by p.budget_id`,
    { holder, ids: locked.map((row) => row.budget_id), starts: locked.map((row) => row.starts_on) },
  )) as { rows: PeriodRow[] }
  return rows
}

/** How much more of the remaining `left` a process gets: what it lacks, and a share of the rest that is smaller the less there is. */
export function grantOf({ total, least, ready }: Pick<Lack, 'total' | 'least' | 'ready'>, left: number): number {
  if (left < least) return 0
  if (left < total) return left
  return total + Math.min(ready, Math.floor((left - total) / 4))
}

export class LedgerStore {
  private readonly db: Knex
  private readonly holder: string
  private readonly currentStart: string

  /** `clock`: SQL of the time that decides which period runs. */
  constructor(db: Knex, holder: string, clock?: string) {
    this.db = db
    this.holder = holder
    this.currentStart = startOfPeriod(clock)
  }

  /**
   * Gives this process what it lacks, as far as limits let it, in one transaction. Budgets that are no more are left out. Who lacked something is
   * remembered, so that others give back what they keep ready.
   *
   * @returns how each stands, and which of them others are to be told of
   */
  async grant(lacks: readonly Lack[]): Promise<{ standings: Standing[]; demanded: BudgetId[] }> {
    const asked = new Map(lacks.map((lack) => [lack.budgetId, lack]))
    return this.db.transaction(async (trx) => {
      await bounded(trx)
      const standings: Standing[] = []
      const demanded: BudgetId[] = []
      for (const row of await lockPeriods(trx, this.holder, this.currentStart, [...asked.keys()])) {
        const lack = asked.get(row.budget_id)
        if (lack === undefined) continue
        const account = lack.account !== null && lack.account.startsOn === row.starts_on && row.mine ? lack.account : null
        const { used = 0, open = 0, cap = 0 } = account ?? {}
        // An account that has ended covers nothing of what waits.
        const ended = account === null ? lack.account : null
        const covered = ended === null ? 0 : Math.max(0, ended.cap - ended.used - ended.open)
        const left = row.limit - row.spent - row.others_granted - cap
        const more = grantOf({ ...lack, total: lack.total + covered, least: lack.least + covered }, left)
        if (more > 0) await this.write(trx, row, { granted: cap + more, used, open })
        if (more < lack.total && row.others > 0) demanded.push(row.budget_id)
        standings.push({
          budgetId: row.budget_id,
          orgId: row.org_id,
          unit: row.unit,
          startsOn: row.starts_on,
          limit: row.limit,
          spent: row.spent + row.others_used,
          cap: more > 0 ? cap + more : account === null ? null : cap,
          fresh: account === null,
        })
      }
      return { standings, demanded: demanded.length > 0 ? await this.demand(trx, demanded) : [] }
    })
  }

  private async write(trx: Knex, row: PeriodRow, { granted, used, open }: { granted: number; used: number; open: number }): Promise<void> {
    await trx.raw(
      `insert into budget_leases (budget_id, starts_on, holder, org_id, granted, used, open, expires_at)
       values (?, ?::date, ?, ?, ?, ?, ?, ${expiry})
       on conflict (budget_id, starts_on, holder) do update
         set granted = excluded.granted, used = excluded.used, open = excluded.open, expires_at = excluded.expires_at`,
      [row.budget_id, row.starts_on, this.holder, row.org_id, granted, used, open],
    )
  }

  /** Answers with those of which it was not said just now. */
  private async demand(trx: Knex, budgetIds: BudgetId[]): Promise<BudgetId[]> {
    const { rows } = (await trx.raw(
      `update budget_periods p set demanded_at = clock_timestamp() from budgets b
       where b.id = p.budget_id and p.budget_id = any(?) and p.starts_on = ${this.currentStart}
         and (p.demanded_at is null or p.demanded_at < clock_timestamp() - interval '100 milliseconds' or p.demanded_at > clock_timestamp())
       returning p.budget_id`,
      [budgetIds],
    )) as { rows: { budget_id: BudgetId }[] }
    return rows.map((row) => row.budget_id)
  }

  /**
   * Tells the database what this process holds now and keeps its leases alive. `granted` is what each is lowered to. Only its own rows are locked.
   *
   * @returns for each that is still there: whether its period is over, and whether others lack something
   */
  async sync(
    held: readonly { budgetId: BudgetId; startsOn: string; granted: number; used: number; open: number }[],
  ): Promise<{ budgetId: BudgetId; startsOn: string; over: boolean; demanded: boolean }[]> {
    if (held.length === 0) return []
    const [ids, starts] = [held.map((one) => one.budgetId), held.map((one) => one.startsOn)]
    const amounts = [held.map((one) => one.granted), held.map((one) => one.used), held.map((one) => one.open)]
    return this.db.transaction(async (trx) => {
      await bounded(trx)
      await trx.raw(
        `select 1 from budget_leases l join unnest(?::text[], ?::date[]) as g (budget_id, starts_on) using (budget_id, starts_on)
         where l.holder = ? order by l.budget_id, l.starts_on for update of l`,
        [ids, starts, this.holder],
      )
      const { rows } = (await trx.raw(
        `update budget_leases l set granted = g.granted, used = g.used, open = g.open, expires_at = ${expiry}
         from unnest(?::text[], ?::date[], ?::bigint[], ?::bigint[], ?::bigint[]) as g (budget_id, starts_on, granted, used, open),
           budget_periods p join budgets b on b.id = p.budget_id
         where l.holder = ? and l.budget_id = g.budget_id and l.starts_on = g.starts_on and p.budget_id = l.budget_id and p.starts_on = l.starts_on
         returning l.budget_id as "budgetId", to_char(l.starts_on, 'YYYY-MM-DD') as "startsOn", l.starts_on <> ${this.currentStart} as over,
           coalesce(p.demanded_at > clock_timestamp() - interval '${demandSeconds} seconds', false) as demanded`,
        [ids, starts, ...amounts, this.holder],
      )) as { rows: { budgetId: BudgetId; startsOn: string; over: boolean; demanded: boolean }[] }
      return rows
    })
  }

  /** Ends leases of this process: what was used is spent. One that has lapsed was charged already. */
  async close(ended: readonly { budgetId: BudgetId; startsOn: string; used: number }[]): Promise<void> {
    if (ended.length === 0) return
    const ids = ended.map((one) => one.budgetId)
    const starts = ended.map((one) => one.startsOn)
    await this.db.transaction(async (trx) => {
      await bounded(trx)
      await lockNamed(trx, ids, starts)
      await trx.raw(
        `with gone as (
           delete from budget_leases l using unnest(?::text[], ?::date[], ?::bigint[]) as g (budget_id, starts_on, used)
           where l.holder = ? and l.budget_id = g.budget_id and l.starts_on = g.starts_on returning l.budget_id, l.starts_on, g.used)
         update budget_periods p set spent = p.spent + gone.used from gone where p.budget_id = gone.budget_id and p.starts_on = gone.starts_on`,
        [ids, starts, ended.map((one) => one.used), this.holder],
      )
    })
  }

  /** Ends leases whose holder is silent, anybody's: all that they could have spent counts as spent. Answers with how many. */
  async reap(): Promise<number> {
    const { rows } = (await this.db.raw(
      `select distinct budget_id, to_char(starts_on, 'YYYY-MM-DD') as starts_on from budget_leases where expires_at < clock_timestamp()`,
    )) as { rows: { budget_id: BudgetId; starts_on: string }[] }
    if (rows.length === 0) return 0
    const ids = rows.map((row) => row.budget_id)
    const starts = rows.map((row) => row.starts_on)
    return this.db.transaction(async (trx) => {
      await bounded(trx)
      await lockNamed(trx, ids, starts)
      const reaped = (await trx.raw(
        `with gone as (
           delete from budget_leases l using unnest(?::text[], ?::date[]) as g (budget_id, starts_on)
           where l.budget_id = g.budget_id and l.starts_on = g.starts_on and l.expires_at < clock_timestamp()
           returning l.budget_id, l.starts_on, l.granted),
         charged as (select budget_id, starts_on, sum(granted)::bigint as amount, count(*)::int as leases from gone group by 1, 2),
         written as (update budget_periods p set spent = p.spent + charged.amount from charged
           where p.budget_id = charged.budget_id and p.starts_on = charged.starts_on)
         select coalesce(sum(leases), 0)::int as leases from charged`,
        [ids, starts],
      )) as { rows: { leases: number }[] }
      return reaped.rows[0]?.leases ?? 0
    })
  }
}

async function lockNamed(trx: Knex, ids: BudgetId[], starts: string[]): Promise<void> {
  await trx.raw(
    `select 1 from budget_periods p join unnest(?::text[], ?::date[]) as g (budget_id, starts_on) using (budget_id, starts_on)
     order by p.budget_id, p.starts_on for update of p`,
    [ids, starts],
  )
}
