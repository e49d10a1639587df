/** Waits that grow by half each time, with jitter, so that many that lost the same thing do not all come back at once. */
export class Backoff {
  private readonly firstMs: number
  private readonly longestMs: number
  private nextMs: number

  /** Units: milliseconds. */
  constructor(firstMs: number, longestMs: number) {
    this.firstMs = firstMs
    this.longestMs = longestMs
    this.nextMs = firstMs
  }

  /** How long to wait this time. */
  next(): number {
    const base = this.nextMs
    this.nextMs = Math.min(base * 1.5, this.longestMs)
    return base * (0.75 + Math.random() / 2)
  }

  reset(): void {
    this.nextMs = this.firstMs
  }
}
