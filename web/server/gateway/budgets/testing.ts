import { HelixError } from '@helix/contract/errors'
import type { BudgetId, OrgId } from '@helix/contract/ids'
import { pino } from 'pino'
import { newId } from '../../context.ts'
import type { Database } from '../../db/database.ts'
import type { Amount, Hold } from '../ports/holds.ts'
import type { Scope } from '../ports/scope.ts'
import type { Unit } from './account.ts'
import { BudgetHolds } from './holds.ts'
import { LedgerStore } from './ledger/store.ts'
import { hearBudgets, tellDemanded } from './line.ts'
import { Rates } from './rates/rates.ts'
import { type About, BudgetStore, type Period } from './store.ts'

const log = pino({ level: 'silent' })

/** The ledger and the budgets of a database that can go away. */
class Severable {
  away = false

  over<T extends object>(store: T): T {
    return new Proxy(store, {
      get: (target, name, receiver) => {
        if (this.away) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
        return Reflect.get(target, name, receiver)
      },
    })
  }
}

export interface Replica extends AsyncDisposable {
  holds: BudgetHolds
  holder: string
  ledger: LedgerStore
  /** Set: nothing of the database answers. */
  database: { away: boolean }
  /** It hears what others tell from now on. */
  hearing: Promise<void>
  /** As kill -9: nothing is told or given back any more. */
  kill(): Promise<void>
}

/** One process’ part in the ledger, hearing others as the database lets it. */
export function openReplica(
  { db, hear }: Pick<Database, 'db' | 'hear'>,
  name: string,
  { patienceMs = 10_000, silenceMs = 3000, clock = 'clock_timestamp()' } = {},
): Replica {
  const holder = `${name}-${newId('budgetStop')}`
  const ledger = new LedgerStore(db, holder, clock)
  const database = new Severable()
  let alive = true
  const holds = new BudgetHolds({
    ledger: database.over(ledger),
    scopes: database.over(new BudgetStore(db)),
    rates: new Rates(database.over(db), log),
    log,
    patienceMs,
    silenceMs,
    refuse: async ({ standing, needs, held }) => new HelixError('budget_exhausted', undefined, { ...standing, needs, held }),
    tellDemanded: (ids) => tellDemanded(db, ids),
  })
  const hearing = Promise.withResolvers<void>()
  const changed = (id: OrgId | null): void => {
    holds.changed(id)
    hearing.resolve()
  }
  const line = hearBudgets(hear, { changed, demanded: (id) => holds.demanded(id) }, log)
  holds.start()
  const kill = async (): Promise<void> => {
    if (!alive) return
    alive = false
    holds.stop()
    await line[Symbol.asyncDispose]()
  }
  const dispose = async (): Promise<void> => {
    if (!alive) return
    await kill()
    await holds[Symbol.asyncDispose]()
  }
  return { holds, holder, ledger, database, hearing: hearing.promise, kill, [Symbol.asyncDispose]: dispose }
}

export async function addOrg(db: Database['db']): Promise<OrgId> {
  const id = newId('org')
  await db('organisations').insert({ id, slug: id.slice(-12), name: 'Test' })
  return id
}

export async function addBudget(
  db: Database['db'],
  orgId: OrgId,
  limit: number,
  { about = { projectId: null, taskId: null, sessionId: null } as About, period = 'total' as Period, unit = 'money' as Unit } = {},
): Promise<BudgetId> {
  const id = newId('budget')
  await db.transaction((trx) => new BudgetStore(db).insert(trx, { id, orgId, ...about, period, unit, limit, createdBy: null }))
  return id
}

export const scopeOfOrg = (orgId: OrgId): Scope => ({
  orgId,
  projectId: null,
  taskId: null,
  sessionId: null,
  userId: null,
  keyPrefix: null,
})
export const dollars = (microUsd: number): Amount => ({ microUsd, tokens: 0 })

/** Null where it was refused for want of budget. */
export async function tryReserve(replica: Replica, scope: Scope, worst: Amount): Promise<Hold | null> {
  try {
    return await replica.holds.reserve(scope, worst)
  } catch (error) {
    if (error instanceof HelixError && error.code === 'budget_exhausted') return null
    throw error
  }
}

/** What the ledger says: spent by ended leases, and what the living ones may have. */
export async function ledgerOf(
  db: Database['db'],
  budgetId: BudgetId,
): Promise<{ spent: number; granted: number; used: number; leases: number }> {
  const period = await db('budget_periods').where({ budget_id: budgetId }).sum({ spent: 'spent' }).first()
  const leases = await db('budget_leases').where({ budget_id: budgetId }).select('granted', 'used')
  const sum = (name: 'granted' | 'used'): number => leases.reduce((all, row) => all + row[name], 0)
  return { spent: Number(period?.spent ?? 0), granted: sum('granted'), used: sum('used'), leases: leases.length }
}

/** A random number from 0 to 1 that is the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
