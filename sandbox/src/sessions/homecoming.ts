import type { SessionId } from '@helix/contract/ids'
import type { ContainerSummary } from '../engine/engine.ts'
import type { Host } from '../host.ts'
import { reasonOf } from '../reason.ts'
import { adoptRunning } from './attach.ts'
import { epochOf, ownerLabels, sessionOf } from './names.ts'
import { removeNetworks } from './network.ts'

/** Units: milliseconds. Away for this long, and sessions of this host may live elsewhere. */
const awayMs = 20_000

/** A host that was away begins with what went elsewhere meanwhile: until that is removed it takes and adopts nothing. */
export class Homecoming {
  private readonly host: Host
  private readonly settledNow: () => void
  private away = true
  private adopting = true
  private running: Promise<void> | null = null

  constructor(host: Host, settledNow: () => void) {
    this.host = host
    this.settledNow = settledNow
  }

  get settled(): boolean {
    return !this.away
  }

  /** The control plane was not heard for so long. */
  awayFor(ms: number): void {
    if (ms >= awayMs) this.away = true
  }

  /** The engine was away, or this process: what runs there is to be taken up. */
  adoptAgain(): void {
    this.adopting = true
  }

  /** Does what is to be done; one at a time. Rejects when engine or control plane cannot be asked: then nothing is removed. */
  async settle(): Promise<void> {
    this.running ??= this.work().finally(() => {
      this.running = null
    })
    await this.running
  }

  private async work(): Promise<void> {
    const { host } = this
    if (this.away) {
      const removed = await removeStale(host)
      if (removed > 0) host.log.warn({ removed }, 'removed containers of sessions that went elsewhere while this host was away')
      this.away = false
      this.settledNow()
    }
    if (!this.adopting) return
    this.adopting = false
    try {
      await adoptRunning(host)
    } catch (error) {
      this.adopting = true
      throw error
    }
  }
}

/** Removes containers and networks of sessions that are over, live elsewhere, or were started anew. Volumes are left to the collector. */
async function removeStale(host: Host): Promise<number> {
  const containers = await host.engine.listContainers(ownerLabels(host.owner))
  // Asked after the look: what was there then and is not among the living now is nobody's.
  const living = new Map((await host.controlPlane.liveSessions()).map(({ sessionId, epoch }) => [sessionId, epoch]))
  const stale = containers.flatMap((container): [SessionId, ContainerSummary][] => {
    const sessionId = sessionOf(container.labels)
    if (sessionId === null) return []
    const epoch = living.get(sessionId)
    return epoch === undefined || epochOf(container.labels) < epoch ? [[sessionId, container]] : []
  })
  await Promise.all(stale.map(([sessionId, container]) => remove(host, sessionId, container, living.has(sessionId))))
  return stale.length
}

function remove(host: Host, sessionId: SessionId, { id }: ContainerSummary, lives: boolean): Promise<void> {
  return host.registry.alone(sessionId, async () => {
    const session = host.registry.find(sessionId)
    if (session?.containerId === id) host.registry.drop(session, 'The session went elsewhere while this host was away.', 'moved')
    await host.engine.removeContainer(id)
    if (lives) return
    await removeNetworks(host.engine, sessionId).catch((error: unknown) =>
      host.log.warn({ sessionId, reason: reasonOf(error) }, 'a network is left to the collector'),
    )
  })
}
