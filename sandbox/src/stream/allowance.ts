/** So many at once and so many a second in the long run. */
export class Allowance {
  private readonly burst: number
  private readonly perSecond: number
  private left: number
  private at: number

  constructor(burst: number, perSecond: number, now = Date.now()) {
    this.burst = burst
    this.perSecond = perSecond
    this.left = burst
    this.at = now
  }

  /** False: too many. */
  take(now = Date.now()): boolean {
    this.left = Math.min(this.burst, this.left + ((now - this.at) / 1000) * this.perSecond)
    this.at = now
    if (this.left < 1) return false
    this.left -= 1
    return true
  }
}
