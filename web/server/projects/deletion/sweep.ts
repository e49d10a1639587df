import type { Knex } from 'knex'
import type { Logger } from 'pino'
import { deletionStore } from './store.ts'

/** Units: milliseconds. */
const everyMs = 3600 * 1000

/** Removes deleted projects whose time is over, at start and each hour. Several control planes may do it at once. */
export function sweepDeletedProjects(db: Knex, log: Pick<Logger, 'info' | 'warn'>): Disposable {
  const sweep = async (): Promise<void> => {
    try {
      const count = await deletionStore.purge(db)
      if (count > 0) log.info({ count }, 'deleted projects are gone')
    } catch (error) {
      log.warn({ err: error }, 'deleted projects could not be removed yet')
    }
  }
  const timer = setInterval(() => void sweep(), everyMs)
  timer.unref()
  void sweep()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
