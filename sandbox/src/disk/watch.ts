import type { SessionId } from '@helix/contract/ids'
import type { Host } from '../host.ts'
import type { LocalSession } from '../sessions/local-session.ts'
import { allowedFrom, diskLimitsOf } from './limits.ts'
import type { Usage } from './usage.ts'

export interface DiskProbes {
  /** What is free where the engine keeps its data; null: not known. */
  free(): Promise<Usage | null>
  usageOf(folders: readonly string[], mostFiles: number): Promise<Usage | null>
}

interface Watched {
  containerId: string
  allowed: Usage
  used: Usage
}

/** Units: milliseconds. Measured again by then, whatever the disk says. */
const atLeastEveryMs = 300_000
/** A disk that lost less has no session that is near its end. */
const least: Usage = { bytes: 32 * 1024 ** 2, files: 2000 }

/**
 * Suspends a session that fills more of this machine's disk than it may: storage drivers without quotas keep no limit of their own. Counting files is dear, so
 * that sessions are measured only when the disk lost half of what the nearest one has left.
 */
export class DiskWatch {
  private readonly host: Host
  private readonly probes: DiskProbes
  private readonly watched = new Map<SessionId, Watched>()
  private free: Usage | null = null
  private measuredAt = 0

  constructor(host: Host, probes: DiskProbes) {
    this.host = host
    this.probes = probes
  }

  /** What a session was last seen to use. */
  usedBy(sessionId: SessionId): Usage | null {
    return this.watched.get(sessionId)?.used ?? null
  }

  async look(now = Date.now()): Promise<void> {
    const sessions = this.host.registry.all()
    for (const id of this.watched.keys()) if (!sessions.some(({ sessionId }) => sessionId === id)) this.watched.delete(id)
    const free = await this.probes.free()
    if (!this.due(sessions, free, now)) return
    this.free = free
    this.measuredAt = now
    for (const session of sessions) await this.measure(session)
  }

  private due(sessions: readonly LocalSession[], free: Usage | null, now: number): boolean {
    if (sessions.length === 0) return false
    if (sessions.some(({ sessionId, containerId }) => this.watched.get(sessionId)?.containerId !== containerId)) return true
    if (this.free === null || free === null || now - this.measuredAt > atLeastEveryMs) return true
    const left = (what: keyof Usage): number =>
      Math.min(...[...this.watched.values()].map(({ allowed, used }) => allowed[what] - used[what]))
    const lost = (what: keyof Usage, before: Usage, after: Usage): boolean =>
      before[what] - after[what] > Math.max(left(what) / 2, least[what])
    return lost('bytes', this.free, free) || lost('files', this.free, free)
  }

  private async measure(session: LocalSession): Promise<void> {
    const { engine, registry } = this.host
    const { sessionId, containerId } = session
    const container = await engine.inspectContainer(containerId)
    const limits = diskLimitsOf(container?.labels ?? {})
    const most = limits === null ? Number.MAX_SAFE_INTEGER : limits.files * 2
    const used = limits === null ? null : await this.probes.usageOf(await engine.writtenFolders(containerId), most)
    if (registry.find(sessionId) !== session) return
    const known = this.watched.get(sessionId)
    if (limits === null || used === null) {
      this.watched.set(sessionId, { containerId, allowed: unlimited, used: { bytes: 0, files: 0 } })
      return
    }
    const allowed = known?.containerId === containerId ? known.allowed : allowedFrom(limits, used)
    this.watched.set(sessionId, { containerId, allowed, used })
    if (used.bytes > allowed.bytes || used.files > allowed.files) await this.suspend(session, used, limits)
  }

  private async suspend(session: LocalSession, used: Usage, limits: Usage): Promise<void> {
    const reason = sentence(used, limits)
    this.host.log.warn({ sessionId: session.sessionId, used, limits }, 'a session filled more of the disk than it may')
    await this.host.suspensions.suspend(session, reason)
  }
}

const unlimited: Usage = { bytes: Number.POSITIVE_INFINITY, files: Number.POSITIVE_INFINITY }

const gigabytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`

function sentence(used: Usage, limits: Usage): string {
  const what =
    used.bytes > limits.bytes
      ? `${gigabytes(used.bytes)} of its ${gigabytes(limits.bytes)}`
      : `more than the ${limits.files} files that ${gigabytes(limits.bytes)} hold`
  return `The machine was suspended: the session fills ${what} of disk. Clear up after it is resumed, or give its project a larger machine (Settings, Sandbox).`
}
