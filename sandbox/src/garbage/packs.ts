import type { AgentRuntime } from '@helix/contract/agents'
import type { Logger } from 'pino'
import { usageOf } from '../disk/usage.ts'
import type { Engine } from '../engine/engine.ts'
import { unless } from '../engine/failures.ts'
import { catalogue } from '../packs/catalogue.ts'
import type { Evictable } from '../pressure/evictables.ts'
import type { Gauge } from '../pressure/levels.ts'

/** Units: milliseconds. A pack of an older version is kept so long for hosts of this engine that are not upgraded yet. */
const keepMs = 7 * 86_400_000

/** True when `one` is the older version, by its numbers. */
export function olderThan(one: string, other: string): boolean {
  const [a, b] = [one, other].map((version) => version.split(/[.-]/).map((part) => (/^\d+$/.test(part) ? Number(part) : Number.NaN)))
  for (const [index, number] of (a ?? []).entries()) {
    const against = b?.[index] ?? 0
    // What is not a number cannot be told apart.
    if (!Number.isInteger(number) || !Number.isInteger(against)) return false
    if (number !== against) return number < against
  }
  return false
}

/** Agent packs whose version was replaced by a newer one. The engine keeps those that a session still has mounted. */
export class OldPacks implements Evictable {
  readonly name = 'agent packs of older versions'
  private readonly engine: Pick<Engine, 'listVolumes' | 'removeVolume'>
  private readonly prefix: string
  private readonly log: Logger

  constructor(engine: Pick<Engine, 'listVolumes' | 'removeVolume'>, prefix: string, log: Logger) {
    this.engine = engine
    this.prefix = prefix
    this.log = log
  }

  async evict(short: Gauge['what']): Promise<number> {
    return short === 'memory' ? 0 : this.removeOlder(0)
  }

  /** Answers with the bytes that are free because of it. */
  collect(now = Date.now()): Promise<number> {
    return this.removeOlder(keepMs, now)
  }

  private async removeOlder(keptMs: number, now = Date.now()): Promise<number> {
    let bytes = 0
    for (const { name, folder, createdAt } of await this.engine.listVolumes({})) {
      if (!this.isOlder(name) || now - createdAt < keptMs) continue
      const used = await usageOf([folder], Number.MAX_SAFE_INTEGER)
      if (
        (await unless(
          ['conflict'],
          this.engine.removeVolume(name).then(() => true),
        )) === null
      )
        continue
      this.log.info({ name }, 'removed an agent pack of an older version')
      // Where it cannot be measured it was something.
      bytes += used?.bytes ?? 1
    }
    return bytes
  }

  private isOlder(volume: string): boolean {
    return (Object.keys(catalogue) as AgentRuntime[]).some((runtime) => {
      const stem = `${this.prefix}-${runtime}-`
      return volume.startsWith(stem) && olderThan(volume.slice(stem.length), catalogue[runtime].version)
    })
  }
}
