import { stillHead } from '@helix/contract/stream-down'
import type { Source, StillWish } from './source.ts'

/** JPEGs of a desktop at a pace, and only those that show something new. */
export class StillFeed {
  private readonly source: Source
  private readonly wish: StillWish
  private readonly everyMs: number
  private readonly show: (bytes: Uint8Array) => boolean
  private timer: NodeJS.Timeout | null = null
  private shown: Uint8Array | null = null
  private ended = false

  /** `show`: answers whether it took it; one that was not taken is shown again. */
  constructor(source: Source, wish: StillWish & { everyMs: number }, show: (bytes: Uint8Array) => boolean) {
    const { everyMs, ...rest } = wish
    this.source = source
    this.wish = rest
    this.everyMs = everyMs
    this.show = show
    void this.turn()
  }

  close(): void {
    this.ended = true
    if (this.timer !== null) clearTimeout(this.timer)
  }

  private async turn(): Promise<void> {
    const began = Date.now()
    const still = await this.source.still(this.wish)
    if (this.ended) return
    if (still !== null && !this.isShown(still.bytes) && this.show(still.bytes)) this.shown = still.bytes
    const waitMs = Math.max(20, this.everyMs - (Date.now() - began))
    this.timer = setTimeout(() => void this.turn(), waitMs)
    this.timer.unref()
  }

  private isShown(bytes: Uint8Array): boolean {
    return this.shown !== null && Buffer.compare(this.shown.subarray(stillHead), bytes.subarray(stillHead)) === 0
  }
}
