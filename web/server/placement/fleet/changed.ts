import type { HostId, OrgId } from '@helix/contract/ids'
import type { Context } from '../../context.ts'
import { appendEvent } from '../../events/store.ts'

/** Pages of these organisations read their hosts again. One transaction each: every organisation's log has its own lock. */
export async function hostChanged(context: Pick<Context, 'db' | 'bus'>, orgIds: readonly OrgId[], hostId: HostId): Promise<void> {
  for (const orgId of orgIds) {
    await context.db.transaction((trx) => appendEvent(trx, orgId, { type: 'host.changed', hostId }))
    context.bus.wake(orgId)
  }
}
