/** Units: milliseconds. */
const leastPauseMs = 200
const answerMs = 1000

/** Many viewers ask for key frames; the encoder is asked once for all of them, and not again before it could answer. */
export class KeyRequests {
  private readonly ask: () => void
  private askedAt = Number.NEGATIVE_INFINITY
  private cameAt = Number.NEGATIVE_INFINITY
  private wanted: NodeJS.Timeout | null = null

  constructor(ask: () => void) {
    this.ask = ask
  }

  request(now = Date.now()): void {
    if (this.wanted !== null) return
    const pending = this.askedAt > this.cameAt
    const waitMs = pending ? this.askedAt + answerMs - now : this.cameAt + leastPauseMs - now
    // One that is under way serves this one too.
    if (pending && waitMs > 0) return
    if (waitMs <= 0) {
      this.now(now)
      return
    }
    this.wanted = setTimeout(() => {
      this.wanted = null
      this.now(Date.now())
    }, waitMs)
    this.wanted.unref()
  }

  came(now = Date.now()): void {
    this.cameAt = now
  }

  /** Another encoder: nothing is under way. */
  restart(): void {
    this.askedAt = Number.NEGATIVE_INFINITY
    this.cameAt = Number.NEGATIVE_INFINITY
  }

  close(): void {
    if (this.wanted !== null) clearTimeout(this.wanted)
    this.wanted = null
  }

  private now(at: number): void {
    this.askedAt = at
    this.ask()
  }
}
