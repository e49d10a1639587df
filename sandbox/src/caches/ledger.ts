import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../whole-file.ts'

const entry = z.object({
  volume: z.string(),
  /** Units: bytes. */
  bytes: z.number(),
  /** Units: milliseconds of the epoch. */
  madeAt: z.number().default(0),
  /** Units: milliseconds of the epoch. */
  usedAt: z.number(),
})
const schema = z.object({
  kept: z.record(z.string(), entry),
  /** Volumes of sessions that are being filled: what a process that died left is of no use. */
  filling: z.array(z.string()),
})
export type CacheEntry = z.infer<typeof entry>
type Ledger = z.infer<typeof schema>

/** Which volume holds what is kept by which key. A volume that it does not name is half made, or outdated. */
export class CacheLedger {
  private readonly path: string
  private known: Promise<Ledger> | null = null

  constructor(stateDir: string, kind: string) {
    this.path = join(stateDir, `${kind}.json`)
  }

  async kept(): Promise<Readonly<Record<string, CacheEntry>>> {
    return (await this.read()).kept
  }

  async isFilling(volume: string): Promise<boolean> {
    return (await this.read()).filling.includes(volume)
  }

  keep(key: string, to: CacheEntry | null): Promise<void> {
    return this.change(({ kept: { [key]: _, ...others }, filling }) => ({ kept: to === null ? others : { ...others, [key]: to }, filling }))
  }

  fill(volume: string, filling: boolean): Promise<void> {
    return this.change((ledger) => ({
      ...ledger,
      filling: [...ledger.filling.filter((one) => one !== volume), ...(filling ? [volume] : [])],
    }))
  }

  /** A file that is missing or damaged names nothing: what it named is made again. */
  private read(): Promise<Ledger> {
    const none: Ledger = { kept: {}, filling: [] }
    this.known ??= readFile(this.path, 'utf8')
      .then((text) => schema.safeParse(JSON.parse(text)).data ?? none)
      .catch(() => none)
    return this.known
  }

  /** One after another; a change that cannot be written down does not hold. */
  private change(to: (ledger: Ledger) => Ledger): Promise<void> {
    const before = this.read()
    const changed = before.then(async (ledger) => {
      const next = to(ledger)
      await writeWhole(this.path, JSON.stringify(next))
      return next
    })
    this.known = changed.catch(() => before)
    return changed.then(() => undefined)
  }
}
