import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../whole-file.ts'

/** Units: milliseconds of the epoch. When this host fetched the image, and when a session last used it. */
const ledger = z.record(z.string(), z.object({ fetchedAt: z.number(), usedAt: z.number() }))
export type Entries = z.infer<typeof ledger>

/** A use is written down this much later at most: it is no reason to write each minute. Units: milliseconds. */
const coarseMs = 3_600_000

/** Images that this host brought to its engine. What was there before, and what others brought, is not in it and not this host's to remove. */
export class ImageLedger {
  private readonly path: string
  private known: Entries | null = null

  constructor(stateDir: string) {
    this.path = join(stateDir, 'images.json')
  }

  /** A file that is missing or cut short forgets: then nothing is this host's to remove. */
  async entries(): Promise<Readonly<Entries>> {
    this.known ??= await readFile(this.path, 'utf8')
      .then(
        (text) => ledger.parse(JSON.parse(text)),
        () => ({}),
      )
      .catch(() => ({}))
    return this.known
  }

  /** The image was not on the engine, and is now. */
  async fetched(image: string, now = Date.now()): Promise<void> {
    await this.write({ ...(await this.entries()), [image]: { fetchedAt: now, usedAt: now } })
  }

  /** Sessions use them now; images of others are left out. */
  async used(images: ReadonlySet<string>, now = Date.now()): Promise<void> {
    const entries = await this.entries()
    const mine = Object.entries(entries).filter(([image, { usedAt }]) => images.has(image) && now - usedAt > coarseMs)
    if (mine.length === 0) return
    await this.write({ ...entries, ...Object.fromEntries(mine.map(([image, entry]) => [image, { ...entry, usedAt: now }])) })
  }

  async forget(image: string): Promise<void> {
    const { [image]: _, ...rest } = await this.entries()
    await this.write(rest)
  }

  private async write(entries: Entries): Promise<void> {
    this.known = entries
    await writeWhole(this.path, `${JSON.stringify(entries)}\n`)
  }
}
