import type { Context } from '../../context.ts'
import { Sweeper } from '../../outbox/sweeper.ts'
import type { LedgerStore } from './ledger/store.ts'
import { dropFull } from './rates/store.ts'
import { resumeStops } from './stops/resume.ts'
import { notePoints, tellThresholds } from './thresholds/store.ts'

/** Units: milliseconds. */
const everyMs = 5000
/** Points of plots and full buckets are looked at each so many sweeps. */
const seldom = 12

/** Ends leases that have lapsed, tells of thresholds, and lets go on what waits and has room. Every process may do it at once. */
export function sweepBudgets(context: Pick<Context, 'db' | 'bus' | 'outbox' | 'log'>, ledger: LedgerStore): Sweeper {
  let count = 0
  return new Sweeper('budgets', everyMs, context.log, async (stopped) => {
    await ledger.reap()
    if (stopped()) return
    for (const orgId of await tellThresholds(context.db)) context.bus.wake(orgId)
    await resumeStops(context, null, null)
    if (stopped() || count++ % seldom !== 0) return
    await notePoints(context.db)
    await dropFull(context.db)
  })
}
