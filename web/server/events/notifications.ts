import type { OrgId } from '@helix/contract/ids'
import type { Logger } from 'pino'
import { listenTo } from '../db/listen.ts'
import type { EventBus } from './bus.ts'
import { eventsChannel } from './store.ts'

/** Wakes the bus for what other processes write. The embedded database has no other process. */
export function hearOtherProcesses(url: string | null, bus: EventBus, log: Logger): AsyncDisposable {
  if (url === null) return { [Symbol.asyncDispose]: async () => {} }
  const onPayload = (payload: string): void => {
    const [orgId, id] = payload.split(' ')
    if (orgId !== undefined) bus.wake(orgId as OrgId, Number(id))
  }
  return listenTo(url, eventsChannel, { onPayload, onListening: () => bus.wakeAll() }, log)
}
