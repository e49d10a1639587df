import { createHash } from 'node:crypto'
import type { SessionSpec } from '@helix/contract/hosts'
import type { SessionId } from '@helix/contract/ids'
import type { Logger } from 'pino'
import type { Engine, Labels } from '../engine/engine.ts'
import { unless } from '../engine/failures.ts'
import type { Footing } from '../ladder/ladder.ts'
import type { Evictable } from '../pressure/evictables.ts'
import type { Gauge } from '../pressure/levels.ts'
import { reasonOf } from '../reason.ts'
import { cacheLabels, type Owner } from '../sessions/names.ts'
import { bringLayers, type CopyParts, keepLayers } from './copy.ts'
import { LayerLedger } from './ledger.ts'

/** Units: milliseconds without use. */
const keepMs = 7 * 24 * 3_600_000
/** Units: milliseconds. A volume that the ledger does not know is being filled until then. */
const youngMs = 600_000
/** Units: bytes that stay free beside a copy. */
const spareBytes = 5 * 1024 ** 3
/** About what a file of a layer has. */
const bytesPerFile = 20_000

export interface LayerCacheInput {
  engine: Engine
  owner: Owner
  /** The session image. */
  image: string
  /** Of containers that copy. */
  labels: Labels
  stateDir: string
  /** Units: bytes in sum; 0: nothing is kept. One kind of session has at most half of it. */
  budgetBytes: number
  /** What is free where volumes are; null: not known. */
  free(): Promise<{ bytes: number } | null>
  log: Logger
}

/** Elsewhere layers have attributes that only root of the machine can copy. */
export const keepsLayersOf = ({ innerDocker }: Pick<Footing, 'innerDocker'>): boolean => innerDocker === 'rootless'

/** What a session's layers depend on besides what its start-up script does. */
export type LayerKey = string

/**
 * Images and build cache of the Docker engines inside of sessions, as start-up scripts left them: the next session of the same project begins with a copy. What
 * a project's own script did reaches that project's sessions alone, and nothing that an agent did reaches any.
 */
export class LayerCache implements Evictable {
  readonly name = 'Docker layers of projects'
  private readonly input: LayerCacheInput
  private readonly ledger: LayerLedger
  private readonly keys = new Map<SessionId, LayerKey>()
  private readonly busy = new Set<LayerKey>()

  constructor(input: LayerCacheInput) {
    this.input = input
    this.ledger = new LayerLedger(input.stateDir)
  }

  /** Notes what the session's layers are kept by; null: they are not. */
  keyFor(spec: SessionSpec, footing: Footing): LayerKey | null {
    const { sessionId, orgId, projectId, startUp, machine } = spec
    this.keys.delete(sessionId)
    if (startUp === null || projectId === undefined || !keepsLayersOf(footing) || this.input.budgetBytes === 0) return null
    const text = JSON.stringify([orgId, projectId, machine.image, startUp.script, footing.innerDocker])
    const key = createHash('sha256').update(text).digest('hex').slice(0, 24)
    // Where an agent was before, nothing is taken.
    if (spec.kept.turn === null && spec.kept.from === null) this.keys.set(sessionId, key)
    return key
  }

  /** From now on nothing is kept of the session: its agent begins. */
  close(sessionId: SessionId): void {
    this.keys.delete(sessionId)
  }

  async has(key: LayerKey | null): Promise<boolean> {
    return key !== null && (await this.ledger.kept())[key] !== undefined
  }

  /** Fills a session's new volume; false: there is nothing to fill it with. A volume that could only be filled in part is removed. */
  async bring(key: LayerKey | null, volume: string): Promise<boolean> {
    const entry = key === null ? undefined : (await this.ledger.kept())[key]
    if (key === null || entry === undefined) return false
    const { engine, log } = this.input
    try {
      if ((await engine.findVolume(entry.volume)) === null) throw new Error('the volume is gone')
      await this.ledger.fill(volume, true)
      await bringLayers(this.parts, entry.volume, volume)
      await this.ledger.fill(volume, false)
      await this.ledger.keep(key, { ...entry, usedAt: Date.now() })
      return true
    } catch (error) {
      log.warn({ volume: entry.volume, reason: reasonOf(error) }, 'kept layers are of no use; the session builds its own')
      await this.clear(volume)
      await this.drop(key)
      return false
    }
  }

  /** Removes a volume that a process filled in part before it died. */
  async clearHalf(volume: string): Promise<void> {
    if (await this.ledger.isFilling(volume)) await this.clear(volume)
  }

  private async clear(volume: string): Promise<void> {
    await this.input.engine.removeVolume(volume)
    await this.ledger.fill(volume, false)
  }

  /** Keeps what the start-up script of a session left in its Docker, which stands still. That it cannot be kept is nobody's failure. */
  async keep(sessionId: SessionId, volume: string): Promise<void> {
    const key = this.keys.get(sessionId)
    if (key === undefined || this.busy.has(key)) return
    this.busy.add(key)
    try {
      await this.replace(key, volume)
    } catch (error) {
      this.input.log.warn({ sessionId, reason: reasonOf(error) }, 'the layers of a session are not kept')
    } finally {
      this.busy.delete(key)
    }
  }

  private async replace(key: LayerKey, from: string): Promise<void> {
    const { engine, owner, log } = this.input
    const most = Math.min(this.input.budgetBytes / 2, await this.room())
    const started = Date.now()
    const volume = `helix-${owner.installation}-layers-${key.slice(0, 12)}-${started.toString(36)}`
    await engine.createVolume(volume, cacheLabels(owner, 'layers'))
    try {
      const bytes = await keepLayers(this.parts, from, volume, most)
      await this.drop(key)
      // Old layers pile up from build to build: the next session begins with none.
      if (bytes === null) return log.info({ most }, 'the layers of a project are more than are kept')
      await this.ledger.keep(key, { volume, bytes, usedAt: Date.now() })
      log.info({ volume, bytes, durationMs: Date.now() - started }, 'kept the layers of a project')
    } finally {
      if (!(await this.has(key))) await unless(['conflict'], engine.removeVolume(volume))
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
    for (const { name, createdAt } of await engine.listVolumes(cacheLabels(owner, 'layers')))
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
  private async drop(key: LayerKey): Promise<void> {
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
