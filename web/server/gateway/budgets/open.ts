import { randomUUID } from 'node:crypto'
import type { Context } from '../../context.ts'
import type { Database } from '../../db/database.ts'
import { BudgetHolds } from './holds.ts'
import { LedgerStore } from './ledger/store.ts'
import { hearBudgets, tellDemanded } from './line.ts'
import { Rates } from './rates/rates.ts'
import { refuser } from './refusal.ts'
import { BudgetStore } from './store.ts'
import { sweepBudgets } from './sweep.ts'

export interface Budgets extends AsyncDisposable {
  holds: BudgetHolds
  /** Begins to sweep. */
  start(): void
}

/** The budgets' part of this process: what holds calls, hears others, and sweeps. */
export function openBudgets(
  parts: Pick<Context, 'db' | 'bus' | 'outbox' | 'log'> & Pick<Database, 'hear'> & { frontendUrl: string },
): Budgets {
  const { db, log } = parts
  const ledger = new LedgerStore(db, randomUUID())
  const holds = new BudgetHolds({
    ledger,
    scopes: new BudgetStore(db),
    rates: new Rates(db, log),
    log,
    refuse: refuser(db, parts.frontendUrl),
    tellDemanded: (budgetIds) => tellDemanded(db, budgetIds),
  })
  const line = hearBudgets(parts.hear, { changed: (id) => holds.changed(id), demanded: (id) => holds.demanded(id) }, log)
  const sweep = sweepBudgets(parts, ledger)
  holds.start()
  const dispose = async (): Promise<void> => {
    await line[Symbol.asyncDispose]()
    await sweep[Symbol.asyncDispose]()
    await holds[Symbol.asyncDispose]()
  }
  return { holds, start: () => sweep.start(), [Symbol.asyncDispose]: dispose }
}
