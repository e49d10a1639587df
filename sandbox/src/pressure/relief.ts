import type { SessionId } from '@helix/contract/ids'
import type { Usage } from '../disk/usage.ts'
import type { Host } from '../host.ts'
import type { LocalSession } from '../sessions/local-session.ts'
import type { Gauge } from './levels.ts'

export interface ReliefInput {
  host: Pick<Host, 'registry' | 'engine' | 'suspensions'>
  /** Somebody is connected to its machine. */
  attended(sessionId: SessionId): boolean
  /** What it was last seen to fill. */
  usedBy(sessionId: SessionId): Usage | null
}

const shortOf: Record<Gauge['what'], string> = { disk: 'disk', files: 'room for files', memory: 'memory' }

/** Makes room by suspending sessions of this host. */
export class Relief {
  private readonly input: ReliefInput

  constructor(input: ReliefInput) {
    this.input = input
  }

  /** The one that did nothing for longest, and at whose machine nobody is; false: there is none. */
  async suspendIdle(what: Gauge['what']): Promise<boolean> {
    const idle = this.free().filter((session) => session.idle && !this.input.attended(session.sessionId))
    const [first] = idle.toSorted((one, other) => one.activeAt - other.activeAt)
    if (first === undefined) return false
    const why = `Suspended by its host, which runs out of ${shortOf[what]}.`
    await this.input.host.suspensions.suspend(first, `${why} Files and conversation are kept; it goes on with the next message.`)
    return true
  }

  /** The one that has most of what is short, whatever it does; its machine keeps a checkpoint before it ends. False: there is none. */
  async suspendLargest(what: Gauge['what']): Promise<boolean> {
    const sized = await Promise.all(this.free().map(async (session) => ({ session, size: await this.sizeOf(session, what) })))
    const [first] = sized.toSorted((one, other) => other.size - one.size)
    if (first === undefined) return false
    const why = `Suspended by its host, which runs out of ${shortOf[what]} and had nothing else to give up.`
    await this.input.host.suspensions.suspend(first.session, `${why} Its work was kept and goes on as soon as there is room.`)
    return true
  }

  /** Those to whom nothing is being done. */
  private free(): LocalSession[] {
    const { registry } = this.input.host
    return registry.all().filter(({ sessionId }) => !registry.isBusy(sessionId))
  }

  private async sizeOf({ sessionId, containerId }: LocalSession, what: Gauge['what']): Promise<number> {
    if (what === 'memory') return (await this.input.host.engine.usedMemory(containerId).catch(() => null)) ?? 0
    return this.input.usedBy(sessionId)?.[what === 'disk' ? 'bytes' : 'files'] ?? 0
  }
}
