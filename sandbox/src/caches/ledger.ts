import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { KeptFile } from '../kept-file.ts'

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
  private readonly file: KeptFile<Ledger>

  constructor(stateDir: string, kind: string) {
    const path = join(stateDir, `${kind}.json`)
    this.file = new KeptFile(path, () => load(path))
  }

  async kept(): Promise<Readonly<Record<string, CacheEntry>>> {
    return (await this.file.read()).kept
  }

  async isFilling(volume: string): Promise<boolean> {
    return (await this.file.read()).filling.includes(volume)
  }

  keep(key: string, to: CacheEntry | null): Promise<void> {
    return this.file.change(({ kept: { [key]: _, ...others }, filling }) => ({
      kept: to === null ? others : { ...others, [key]: to },
      filling,
    }))
  }

  fill(volume: string, filling: boolean): Promise<void> {
    return this.file.change((ledger) => ({
      ...ledger,
      filling: [...ledger.filling.filter((one) => one !== volume), ...(filling ? [volume] : [])],
    }))
  }
}

/** A file that is missing or damaged names nothing: what it named is made again. */
function load(path: string): Promise<Ledger> {
  const none: Ledger = { kept: {}, filling: [] }
  return readFile(path, 'utf8')
    .then((text) => schema.safeParse(JSON.parse(text)).data ?? none)
    .catch(() => none)
}
