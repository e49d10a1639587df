import { tmpdir } from 'node:os'
import type { Context } from '../context.ts'
import { removeDrafts } from './drafts.ts'
import { FetchedImages, NamelessImages } from './images.ts'
import { ImageLedger } from './ledger.ts'
import { OldPacks } from './packs.ts'

type Needs = Pick<Context, 'config' | 'engine' | 'packs' | 'egress' | 'log' | 'evictables'>

/** What grows beside sessions: images, packs of older versions, packet filters of dead hosts, drafts of killed writes. */
export class Garbage {
  private readonly needs: Needs
  /** Whoever fetches an image notes it here. */
  readonly ledger: ImageLedger
  private readonly images: FetchedImages
  private readonly nameless: NamelessImages
  private readonly packs: OldPacks

  constructor(needs: Needs) {
    const { config, engine, log, evictables, packs } = needs
    this.needs = needs
    this.ledger = new ImageLedger(config.stateDir)
    this.images = new FetchedImages({ engine, ledger: this.ledger, own: config.session.image, ...config.images, log })
    this.nameless = new NamelessImages(engine)
    this.packs = new OldPacks(engine, packs.prefix, log)
    evictables.register(this.nameless, this.packs, this.images)
  }

  /** `wanted`: images that projects name; null: not known. */
  collectImages(wanted: readonly string[] | null): Promise<number> {
    return this.images.collect(wanted)
  }

  async collect(): Promise<void> {
    const { egress, log, config } = this.needs
    const tables = await egress.removeLeftovers()
    const drafts = await removeDrafts(config.stateDir, tmpdir())
    const packBytes = await this.packs.collect()
    const { bytes } = await this.nameless.collect()
    if (tables.length + drafts + packBytes + bytes > 0) log.info({ tables, drafts, packBytes, imageBytes: bytes }, 'removed what was left')
  }
}
