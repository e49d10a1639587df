import type { Logger } from 'pino'
import { reasonOf } from '../reason.ts'
import type { Gauge } from './levels.ts'

/** Something that makes work faster and can be made again. */
export interface Evictable {
  /** For people, in the plural: what is given up. */
  readonly name: string
  /** Gives up what nobody needs now; answers with the bytes that are free of `short` because of it. Called again while they do not suffice. */
  evict(short: Gauge['what']): Promise<number>
}

/** Units: milliseconds. What had nothing to give is asked again after so long. */
const againMs = 60_000

/** What this host can give up, in the order in which it does: the cheapest to make again first. */
export class Evictables {
  private readonly log: Logger
  private readonly all: Evictable[] = []
  private readonly emptyAt = new Map<Evictable, number>()

  constructor(log: Logger) {
    this.log = log
  }

  /** What registers first is given up first. */
  register(...evictables: Evictable[]): void {
    this.all.push(...evictables)
  }

  /** Lets the first that has something give it up; null: none has. */
  async evict(short: Gauge['what'], now = Date.now()): Promise<{ name: string; bytes: number } | null> {
    for (const evictable of this.all) {
      if (now - (this.emptyAt.get(evictable) ?? Number.NEGATIVE_INFINITY) < againMs) continue
      const bytes = await this.attempt(evictable, short)
      if (bytes > 0) return { name: evictable.name, bytes }
      this.emptyAt.set(evictable, now)
    }
    return null
  }

  /** One that fails keeps no other from giving. */
  private async attempt(evictable: Evictable, short: Gauge['what']): Promise<number> {
    try {
      return await evictable.evict(short)
    } catch (error) {
      this.log.warn({ what: evictable.name, reason: reasonOf(error) }, 'a cache cannot be given up now')
      return 0
    }
  }
}
