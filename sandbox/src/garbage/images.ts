import type { Logger } from 'pino'
import type { Engine, ImageSummary } from '../engine/engine.ts'
import { unless } from '../engine/failures.ts'
import type { Evictable } from '../pressure/evictables.ts'
import type { Gauge } from '../pressure/levels.ts'
import type { ImageLedger } from './ledger.ts'

export interface ImagesInput {
  engine: Pick<Engine, 'listImages' | 'removeImage' | 'listContainers'>
  ledger: ImageLedger
  /** The installation's own, which is never removed. */
  own: string
  /** Units: milliseconds without use, and bytes in sum. */
  keepMs: number
  budgetBytes: number
  log: Logger
}

interface Mine {
  name: string
  image: ImageSummary
  usedAt: number
}

/** Images that this host fetched for projects. It removes none that a container or a project's setting names, and none that it did not fetch. */
export class FetchedImages implements Evictable {
  readonly name = 'images that no session and no project needs'
  private readonly input: ImagesInput
  /** What projects have their sessions started from; null: not known, so that all of them may be. */
  private wanted: ReadonlySet<string> | null = null

  constructor(input: ImagesInput) {
    this.input = input
  }

  /** Notes what is used, and removes what was not for long and what is too much. Answers with how many went. */
  async collect(wanted: readonly string[] | null, now = Date.now()): Promise<number> {
    this.wanted = wanted === null ? null : new Set(wanted)
    const { ledger, keepMs, budgetBytes } = this.input
    await ledger.used(await this.named(), now)
    const all = await this.mine()
    let sum = all.reduce((bytes, { image }) => bytes + image.bytes, 0)
    let removed = 0
    for (const one of await this.unneeded(all)) {
      if (now - one.usedAt < keepMs && sum <= budgetBytes) continue
      if (!(await this.remove(one))) continue
      sum -= one.image.bytes
      removed++
    }
    return removed
  }

  /** All that nobody needs, one at a time. */
  async evict(short: Gauge['what']): Promise<number> {
    if (short === 'memory') return 0
    for (const one of await this.unneeded(await this.mine())) if (await this.remove(one)) return one.image.bytes
    return 0
  }

  /** Names that containers were made from, whosever they are. */
  private async named(): Promise<Set<string>> {
    return new Set((await this.input.engine.listContainers({})).map(({ image }) => image))
  }

  private async mine(): Promise<Mine[]> {
    const [entries, images] = [await this.input.ledger.entries(), await this.input.engine.listImages()]
    return Object.entries(entries).flatMap(([name, { usedAt }]) => {
      const image = images.find(({ names }) => names.includes(name))
      return image === undefined ? [] : [{ name, image, usedAt }]
    })
  }

  /** The longest unused first. */
  private async unneeded(all: readonly Mine[]): Promise<Mine[]> {
    const { wanted } = this
    if (wanted === null) return []
    const named = await this.named()
    return all
      .filter(({ name }) => !wanted.has(name) && !named.has(name) && name !== this.input.own)
      .toSorted((one, other) => one.usedAt - other.usedAt)
  }

  private async remove({ name, image }: Mine): Promise<boolean> {
    const { engine, ledger, log } = this.input
    // In use after all: a container was made since the look.
    if (
      (await unless(
        ['conflict'],
        engine.removeImage(name).then(() => true),
      )) === null
    )
      return false
    await ledger.forget(name)
    log.info({ image: name, bytes: image.bytes }, 'removed an image that nobody uses')
    return true
  }
}

/** Units: milliseconds. An image that is being built has no name for a moment. */
const youngMs = 3_600_000

/** Session images that lost their name to a newer build. */
export class NamelessImages implements Evictable {
  readonly name = 'session images of earlier builds'
  private readonly engine: Pick<Engine, 'listImages' | 'removeImage'>

  constructor(engine: Pick<Engine, 'listImages' | 'removeImage'>) {
    this.engine = engine
  }

  async evict(short: Gauge['what']): Promise<number> {
    return short === 'memory' ? 0 : (await this.collect()).bytes
  }

  async collect(now = Date.now()): Promise<{ bytes: number }> {
    let bytes = 0
    for (const { id, names, createdAt, bytes: size } of await this.engine.listImages('helix.image')) {
      if (names.length > 0 || now - createdAt < youngMs) continue
      // A container, or an image built on it, still needs it.
      if (
        (await unless(
          ['conflict'],
          this.engine.removeImage(id).then(() => true),
        )) !== null
      )
        bytes += size
    }
    return { bytes }
  }
}
