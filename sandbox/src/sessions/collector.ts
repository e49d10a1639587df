import type { SessionId } from '@helix/contract/ids'
import type { ContainerSummary, Labels, Network, Volume } from '../engine/engine.ts'
import type { Host } from '../host.ts'
import type { LiveSession } from '../link/control-plane.ts'
import { reasonOf } from '../reason.ts'
import { epochOf, isCache, ownerLabels, sessionOf } from './names.ts'

/**
 * Units: milliseconds. How long a thing must be seen as an orphan, in a list of the living each time, before it goes: a single wrong answer costs
 * nobody's work.
 */
const graceMs = 60_000

/** What of this host is on its engine. */
export interface Belongings {
  containers: ContainerSummary[]
  networks: Network[]
  volumes: Volume[]
}

export async function belongingsOf({ engine, owner }: Host): Promise<Belongings> {
  const labels = ownerLabels(owner)
  const ours = (thing: { labels: Labels }): boolean => Object.entries(labels).every(([name, value]) => thing.labels[name] === value)
  const [containers, networks, volumes] = await Promise.all([
    engine.listContainers(labels),
    engine.listNetworks(),
    engine.listVolumes(labels),
  ])
  return { containers, networks: networks.filter(ours), volumes: volumes.filter((volume) => !isCache(volume)) }
}

/** `now`: things that cannot be of use; `later`: things that nobody wants as it seems. */
export interface Orphans {
  now: Belongings
  later: Belongings
}

/**
 * Which of a host's belongings nobody wants: those of sessions that are not among the living, of starts before the one that holds, and what probes
 * and pack installs of earlier boots left.
 */
export function orphansOf(all: Belongings, living: readonly LiveSession[], bootId: string): Orphans {
  const live = new Map(living.map((session) => [session.sessionId, session.epoch]))
  const isTool = ({ labels }: { labels: Labels }): boolean => sessionOf(labels) === null
  const abandoned = (one: { labels: Labels }): boolean => isTool(one) && ![undefined, bootId].includes(one.labels['helix.boot'])
  const liveEpoch = ({ labels }: { labels: Labels }): number | undefined => live.get(sessionOf(labels) as SessionId)
  const dead = (one: { labels: Labels }): boolean => !isTool(one) && liveEpoch(one) === undefined
  const outdated = (one: { labels: Labels }): boolean => epochOf(one.labels) < (liveEpoch(one) ?? 0)
  const housed = new Set(all.containers.map(({ labels }) => sessionOf(labels)))
  const homeless = (one: { labels: Labels }): boolean => !isTool(one) && !housed.has(sessionOf(one.labels))
  return {
    now: {
      containers: all.containers.filter((one) => abandoned(one) || outdated(one) || (dead(one) && !one.running)),
      networks: [],
      volumes: all.volumes.filter(abandoned),
    },
    later: {
      containers: all.containers.filter((one) => dead(one) && one.running),
      networks: all.networks.filter((one) => dead(one) || homeless(one)),
      volumes: all.volumes.filter(dead),
    },
  }
}

/** Removes what nobody wants. */
export class Collector {
  private readonly host: Host
  /** When each orphan was first seen as one. */
  private seen = new Map<string, number>()

  constructor(host: Host) {
    this.host = host
  }

  /** What projects have their sessions started from, as the control plane said last; null: it does not say. */
  wantedImages: readonly string[] | null = null
  /** What lives here, as it said last. */
  living: readonly LiveSession[] = []

  /** Answers with how much was removed. Without a list of the living it rejects and removes nothing. `now` is for tests. */
  async collect(now = Date.now()): Promise<number> {
    const { host } = this
    const all = await belongingsOf(host)
    // Asked after the look: what was there then and is not among the living now is nobody's.
    const { sessions, images } = await host.controlPlane.wanted()
    this.wantedImages = images
    this.living = sessions
    const orphans = orphansOf(all, sessions, host.identity.bootId)
    const [atOnce, waiting] = [removalsOf(host, orphans.now), removalsOf(host, orphans.later)]
    const ended = sessions.filter((one) => machineEnded(host, all, one))
    const keys = [...waiting.map(keyOf), ...ended.map(endOf)]
    this.seen = new Map(keys.map((key) => [key, this.seen.get(key) ?? now]))
    const isDue = (key: string): boolean => now - (this.seen.get(key) ?? now) >= graceMs
    for (const one of ended.filter((one) => isDue(endOf(one)))) host.suspensions.note(one.sessionId, one.epoch, endedByItself)
    const due = waiting.filter((removal) => isDue(keyOf(removal)))
    let removed = 0
    for (const removal of [...atOnce, ...due]) if (await removeOne(host, removal)) removed++
    return removed
  }
}

const endedByItself = 'Its machine ended by itself. Files and conversation are kept; it goes on with the next message.'
const keyOf = ({ what, name }: Removal): string => `${what} ${name}`
const endOf = ({ sessionId, epoch }: LiveSession): string => `end of ${sessionId} ${epoch}`

/** It waits for messages as the control plane thinks, and there is no machine of it. Who works is missed by its turn. */
function machineEnded({ registry }: Host, { containers }: Belongings, { sessionId, epoch, state }: LiveSession): boolean {
  const runs = containers.some(({ running, labels }) => running && sessionOf(labels) === sessionId && epochOf(labels) === epoch)
  return state === 'idle' && !runs && registry.find(sessionId) === undefined && !registry.isBusy(sessionId)
}

interface Removal {
  what: 'container' | 'network' | 'volume'
  name: string
  sessionId: SessionId | null
  remove(): Promise<void>
}

/** Containers first: they hold the others. */
function removalsOf(host: Host, { containers, networks, volumes }: Belongings): Removal[] {
  const { engine } = host
  const of = ({ name, labels }: { name: string; labels: Labels }) => ({ name, sessionId: sessionOf(labels) })
  return [
    ...containers.map((one): Removal => ({ what: 'container', ...of(one), remove: () => removeContainer(host, one) })),
    ...networks.map((one): Removal => ({ what: 'network', ...of(one), remove: () => engine.removeNetwork(one.id) })),
    ...volumes.map((one): Removal => ({ what: 'volume', ...of(one), remove: () => engine.removeVolume(one.name) })),
  ]
}

async function removeContainer(host: Host, { id, labels }: ContainerSummary): Promise<void> {
  const sessionId = sessionOf(labels)
  const session = sessionId === null ? undefined : host.registry.find(sessionId)
  if (session?.containerId === id) host.registry.drop(session, 'Nobody wants the session any more.', 'stopped')
  await host.engine.removeContainer(id)
}

/** What cannot be removed now is tried again at the next round, and keeps nothing else from being removed. */
async function removeOne(host: Host, { what, name, sessionId, remove }: Removal): Promise<boolean> {
  // Somebody starts or stops it at this moment.
  if (sessionId !== null && host.registry.isBusy(sessionId)) return false
  try {
    await (sessionId === null ? remove() : host.registry.alone(sessionId, remove))
    host.log.info({ what, name, sessionId }, 'removed what nobody owns')
    return true
  } catch (error) {
    host.log.warn({ what, name, sessionId, reason: reasonOf(error) }, 'what nobody owns cannot be removed yet')
    return false
  }
}
