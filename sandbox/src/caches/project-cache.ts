import type { Logger } from 'pino'
import type { Engine, Labels } from '../engine/engine.ts'
import { unless } from '../engine/failures.ts'
import type { Evictable } from '../pressure/evictables.ts'
import type { Gauge } from '../pressure/levels.ts'
import { reasonOf } from '../reason.ts'
import { cacheLabels, type Owner } from '../sessions/names.ts'
import { bringCopy, type CopyParts, keepCopy } from './copy.ts'
import { CacheLedger } from './ledger.ts'

/** Units: milliseconds without use. */
const keepMs = 7 * 24 * 3_600_000
/** Units: milliseconds. A volume that the ledger does not know is being filled until then. */
const youngMs = 600_000
/** Units: bytes that stay free beside a copy. */
const spareBytes = 5 * 1024 ** 3
/** About what a file has. */
const bytesPerFile = 20_000

export interface ProjectCacheInput {
  engine: Engine
  owner: Owner
  /** The session image. */
  image: string
  /** Of containers that copy. */
  labels: Labels
  stateDir: string
  /** Units: bytes in sum; 0: nothing is kept. One entry has at most half of it. */
  budgetBytes: number
  /** What is free where volumes are; null: not known. */
  free(): Promise<{ bytes: number } | null>
  log: Logger
}

export type CacheKey = string

/** Volumes of this host that sessions to come begin with a copy of. What is kept under a key reaches only sessions that have that key. */
export class ProjectCache implements Evictable {
  readonly name: string
  protected readonly input: ProjectCacheInput
  protected readonly ledger: CacheLedger
  private readonly kind: string
  private readonly busy = new Set<CacheKey>()

  /** `kind`: in names of volumes; `name`: for people. */
  constructor(input: ProjectCacheInput, kind: string, name: string) {
    this.input = input
    this.kind = kind
    this.name = name
    this.ledger = new CacheLedger(input.stateDir, kind)
  }

  async has(key: CacheKey | null): Promise<boolean> {
    return key !== null && (await this.ledger.kept())[key] !== undefined
  }

  /** Copies what is kept into a session's volume; false: it is not there, and nothing or a part was copied. */
  protected async bringBy(key: CacheKey, volume: string, script: string): Promise<boolean> {
    const entry = (await this.ledger.kept())[key]
    if (entry === undefined) return false
    const { engine, log } = this.input
    try {
      if ((await engine.findVolume(entry.volume)) === null) throw new Error('its volume is gone')
      await bringCopy(this.parts, entry.volume, volume, script)
      await this.ledger.keep(key, { ...entry, usedAt: Date.now() })
      return true
    } catch (error) {
      log.warn({ volume: entry.volume, reason: reasonOf(error) }, `of no use: ${this.name}`)
      await this.drop(key)
      return false
    }
  }

  /** Keeps a copy, in the place of an earlier one. That it cannot be kept is nobody's failure. `script` is told the most bytes. */
  protected async keepBy(key: CacheKey, volume: string, script: (mostBytes: number) => string): Promise<void> {
    if (this.busy.has(key)) return
    this.busy.add(key)
    try {
      await this.replace(key, volume, script)
    } catch (error) {
      this.input.log.warn({ from: volume, reason: reasonOf(error) }, `not kept: ${this.name}`)
    } finally {
      this.busy.delete(key)
    }
  }

  private async replace(key: CacheKey, from: string, script: (mostBytes: number) => string): Promise<void> {
    const { engine, owner, log } = this.input
    const most = Math.min(this.input.budgetBytes / 2, await this.room())
    const started = Date.now()
    const volume = `helix-${owner.installation}-${this.kind}-${key.slice(0, 12)}-${started.toString(36)}`
    await engine.createVolume(volume, cacheLabels(owner, this.kind))
    try {
      const bytes = await keepCopy(this.parts, from, volume, script(most))
      await this.drop(key)
      // What piles up from time to time begins anew with nothing.
      if (bytes === null) return log.info({ most }, `more or less than is kept: ${this.name}`)
      await this.ledger.keep(key, { volume, bytes, madeAt: started, usedAt: Date.now() })
      log.info({ volume, bytes, durationMs: Date.now() - started }, `kept: ${this.name}`)
    } finally {
      if ((await this.ledger.kept())[key]?.volume !== volume) await unless(['conflict'], engine.removeVolume(volume))
    }
    await this.collect()
  }

  private async room(): Promise<number> {
    const free = await this.input.free()
    return free === null ? Number.MAX_SAFE_INTEGER : Math.max(0, free.bytes - spareBytes) / 2
  }

  /** Removes what nobody used for long, what is too much, and what a process that died left. `now` is for tests. */
  async collect(now = Date.now()): Promise<void> {
    const { engine, owner, budgetBytes } = this.input
    let sum = 0
    for (const [key, { bytes, usedAt }] of await this.newestFirst()) {
      sum += bytes
      if (sum > budgetBytes || now - usedAt > keepMs) await this.drop(key)
    }
    const known = new Set(Object.values(await this.ledger.kept()).map(({ volume }) => volume))
    for (const { name, createdAt } of await engine.listVolumes(cacheLabels(owner, this.kind)))
      if (!known.has(name) && now - createdAt > youngMs) await unless(['conflict'], engine.removeVolume(name))
  }

  /** The longest unused. */
  async evict(short: Gauge['what']): Promise<number> {
    const oldest = short === 'memory' ? undefined : (await this.newestFirst()).at(-1)
    if (oldest === undefined) return 0
    const [key, { bytes }] = oldest
    await this.drop(key)
    return Math.max(1, short === 'disk' ? bytes : Math.floor(bytes / bytesPerFile))
  }

  private async newestFirst() {
    return Object.entries(await this.ledger.kept()).toSorted(([, one], [, other]) => other.usedAt - one.usedAt)
  }

  /** A session that is being filled from it keeps the volume for a moment; it is collected later. */
  private async drop(key: CacheKey): Promise<void> {
    const entry = (await this.ledger.kept())[key]
    if (entry === undefined) return
    await this.ledger.keep(key, null)
    await unless(['conflict'], this.input.engine.removeVolume(entry.volume))
  }

  private get parts(): CopyParts {
    const { engine, image, labels } = this.input
    return { engine, image, labels }
  }
}
