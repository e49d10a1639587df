import type { Call } from '@helix/contract/client'
import { listHosts } from '@helix/contract/system'
import { persistently } from './story.ts'

/** Waits until a sandbox host takes work, with the agent pack of the demo installed. */
export async function hostReady(call: Call, deadlineMs = 300_000): Promise<void> {
  await persistently(async () => {
    const { items } = await call(listHosts, {})
    const ready = items.some((host) => host.online && host.problem === null && host.capacity > 0)
    if (!ready) throw new Error(items[0]?.problem ?? 'no sandbox host has reported yet')
  }, deadlineMs)
}
