import type { SessionId } from '@helix/contract/ids'
import type { ContainerSummary, Labels, Network, Volume } from '../engine/engine.ts'
import type { Host } from '../host.ts'
import type { LiveSession } from '../link/control-plane.ts'
import { reasonOf } from '../reason.ts'
import { epochOf, ownerLabels, sessionOf } from './names.ts'

/** Units: milliseconds. What is younger may belong to a start that the control plane hears of in a moment. */
const graceMs = { container: 60_000, network: 60_000, volume: 600_000 }

/** What of this host is on its engine. */
export interface Belongings {
  containers: ContainerSummary[]
  networks: Network[]
  volumes: Volume[]
}

async function belongingsOf({ engine, owner }: Host): Promise<Belongings> {
  const labels = ownerLabels(owner)
  const ours = (thing: { labels: Labels }): boolean => Object.entries(labels).every(([name, value]) => thing.labels[name] === value)
  const [containers, networks, volumes] = await Promise.all([
    engine.listContainers(labels),
    engine.listNetworks(),
    engine.listVolumes(labels),
  ])
  return { containers, networks: networks.filter(ours), volumes }
}

/**
 * Which of a host's belongings nobody wants: those of sessions that are not among the living, of starts before the one that holds, and what probes
 * and pack installs of earlier boots left.
 */
export function orphansOf(all: Belongings, living: readonly LiveSession[], bootId: string, now: number): Belongings {
  const live = new Map(living.map((session) => [session.sessionId, session.epoch]))
  const abandoned = ({ labels }: { labels: Labels }): boolean => labels['helix.boot'] !== undefined && labels['helix.boot'] !== bootId
  const epochOfLiving = ({ labels }: { labels: Labels }): number | undefined => {
    const sessionId = sessionOf(labels)
    return sessionId === null ? undefined : live.get(sessionId)
  }
  const housed = new Set(all.containers.map(({ labels }) => sessionOf(labels)))
  return {
    containers: all.containers.filter((container) => {
      if (sessionOf(container.labels) === null) return abandoned(container)
      if (epochOf(container.labels) >= (epochOfLiving(container) ?? Number.POSITIVE_INFINITY)) return false
      return !container.running || now - container.createdAt > graceMs.container
    }),
    networks: all.networks.filter((network) => {
      if (sessionOf(network.labels) === null || now - network.createdAt < graceMs.network) return false
      return epochOfLiving(network) === undefined || !housed.has(sessionOf(network.labels))
    }),
    volumes: all.volumes.filter((volume) => {
      if (sessionOf(volume.labels) === null) return abandoned(volume)
      return epochOfLiving(volume) === undefined && now - volume.createdAt > graceMs.volume
    }),
  }
}

/** Removes what nobody wants and answers with how much that was. Without a list of the living it rejects and removes nothing. `now` is for tests. */
export async function collect(host: Host, now = Date.now()): Promise<number> {
  const { engine } = host
  const all = await belongingsOf(host)
  // Asked after the look: what was there then and is not among the living now is nobody's.
  const orphans = orphansOf(all, await host.controlPlane.liveSessions(), host.identity.bootId, now)
  let removed = 0
  const remove = async (what: string, { name, labels }: { name: string; labels: Labels }, call: () => Promise<void>): Promise<void> => {
    if (await removeOne(host, what, name, sessionOf(labels), call)) removed++
  }
  for (const one of orphans.containers) await remove('container', one, () => removeContainer(host, one))
  for (const one of orphans.networks) await remove('network', one, () => engine.removeNetwork(one.id))
  for (const one of orphans.volumes) await remove('volume', one, () => engine.removeVolume(one.name))
  return removed
}

async function removeContainer(host: Host, { id, labels }: ContainerSummary): Promise<void> {
  const sessionId = sessionOf(labels)
  const session = sessionId === null ? undefined : host.registry.find(sessionId)
  if (session?.containerId === id) host.registry.drop(session, 'Nobody wants the session any more.')
  await host.engine.removeContainer(id)
}

/** What cannot be removed now is tried again at the next round, and keeps nothing else from being removed. */
async function removeOne(host: Host, what: string, name: string, sessionId: SessionId | null, call: () => Promise<void>): Promise<boolean> {
  // Somebody starts or stops it at this moment.
  if (sessionId !== null && host.registry.isBusy(sessionId)) return false
  try {
    await (sessionId === null ? call() : host.registry.alone(sessionId, call))
    host.log.info({ what, name, sessionId }, 'removed what nobody owns')
    return true
  } catch (error) {
    host.log.warn({ what, name, sessionId, reason: reasonOf(error) }, 'what nobody owns cannot be removed yet')
    return false
  }
}
