import type { Context } from '../../context.ts'
import { removeOldCalls } from './store.ts'

/** Units: milliseconds. */
const everyMs = 60 * 60_000
const batch = 5000

type Parts = Pick<Context, 'db' | 'log' | 'config'>

/** Removes calls of MCP servers that are older than they are kept; answers how many. */
export async function sweepMcpCalls({ db, config }: Parts): Promise<number> {
  let removed = 0
  for (let some = batch; some === batch; removed += some) some = await removeOldCalls(db, config.HELIX_MCP_CALL_DAYS, batch)
  return removed
}

/** At start and every hour. Several control planes may do it at once. */
export function keepMcpCallsFew(context: Parts): Disposable {
  const sweep = (): Promise<unknown> =>
    sweepMcpCalls(context).catch((error: unknown) => context.log.warn({ err: error }, 'old calls of MCP servers could not be removed yet'))
  const timer = setInterval(() => void sweep(), everyMs)
  timer.unref()
  void sweep()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
