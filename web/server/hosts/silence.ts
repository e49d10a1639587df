import type { HostId } from '@helix/contract/ids'
import type { Context } from '../context.ts'
import { RegistrationStore } from '../identity/registration/store.ts'
import { Sweeper } from '../outbox/sweeper.ts'
import { hostChanged } from '../placement/fleet/changed.ts'
import { FleetStore } from '../placement/fleet/store.ts'
import { silentAfter } from './store.ts'

/** Units: milliseconds. */
const lookEveryMs = 2000

/** Tells pages of hosts that fell silent, or are heard again; by whichever process sees it first. */
export async function tellSilence(context: Pick<Context, 'db' | 'bus' | 'config'>): Promise<void> {
  const silent = 'coalesce(last_seen_at < now() - make_interval(secs => ?), true)'
  const { rows } = (await context.db.raw(`update hosts set told_silent = not told_silent where told_silent <> ${silent} returning id`, [
    silentAfter,
  ])) as { rows: { id: HostId }[] }
  if (rows.length === 0) return
  const home = await new RegistrationStore(context.db, context.config).home()
  for (const { id } of rows) await hostChanged(context, await new FleetStore(context.db).audience(id, home), id)
}

export function watchSilence(context: Pick<Context, 'db' | 'bus' | 'config' | 'log'>): AsyncDisposable {
  const sweeper = new Sweeper('silence of hosts', lookEveryMs, context.log, () => tellSilence(context))
  sweeper.start()
  return sweeper
}
