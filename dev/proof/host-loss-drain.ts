import { drainHost, type FleetHost, getFleet, uncordonHost } from '@helix/contract/fleet'
import type { HostId } from '@helix/contract/ids'
import type { Task } from '@helix/contract/tasks'
import { say } from '../setup/progress.mjs'
import type { Scratch } from '../stack/scratch.ts'
import type { Places } from './host-loss-places.ts'
import type { Finding } from './kill-findings.ts'

/** Units: milliseconds. Sessions leave after their turns. */
const deadlineMs = 240_000

async function hostNow(scratch: Scratch, hostId: string): Promise<FleetHost> {
  const host = (await scratch.call(getFleet, {})).hosts.find(({ id }) => id === hostId)
  if (host === undefined) throw new Error(`there is no host ${hostId}`)
  return host
}

async function until(holds: () => boolean | Promise<boolean>, limitMs = deadlineMs): Promise<boolean> {
  for (const end = Date.now() + limitMs; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 500)))
    if (await holds()) return true
  return false
}

/** Empties a host with live sessions while tasks run; they go on with the other. */
export async function drainWhile(
  scratch: Scratch,
  places: Places,
  hostId: string,
  running: Promise<Task[]>,
): Promise<{ findings: Finding[]; tasks: Task[] }> {
  // It is heard below, whenever it fails.
  running.catch(() => undefined)
  const params = { hostId: hostId as HostId }
  const met = await until(() => places.on(hostId).length > 0)
  const there = new Set(places.on(hostId).map(({ sessionId }) => sessionId))
  const begun = Date.now()
  const { drain } = await scratch.call(drainHost, { params })
  say(`draining the host of ${drain?.total ?? 0} sessions`)
  const empty = await until(async () => {
    const { drain: now } = await hostNow(scratch, hostId)
    return now?.left === 0
  })
  const took = (Date.now() - begun) / 1000
  // What is left on the engine goes a moment after the state was written.
  const gone = await until(() => places.on(hostId).length === 0, 30_000)
  const tasks = await running
  const later = places.on(hostId).filter(({ sessionId }) => !there.has(sessionId))
  const host = await hostNow(scratch, hostId)
  await scratch.call(uncordonHost, { params })
  const findings: Finding[] = [
    { what: 'the host that was drained had live sessions', holds: met && (drain?.total ?? 0) > 0, seen: String(drain?.total ?? 0) },
    { what: 'a drained host becomes empty, its machine too', holds: empty && gone, seen: `${took.toFixed(0)} s` },
    { what: 'a drained host got nothing new', holds: later.length === 0 && host.sessions === 0, seen: String(later.length) },
    {
      what: 'every task whose host was drained is merged',
      holds: tasks.every(({ status }) => status === 'merged'),
      seen: String(tasks.length),
    },
  ]
  return { findings, tasks }
}
