import { HelixError } from '@helix/contract/errors'

/** Units: milliseconds. */
const windowMs = 60_000
const attemptsPerWindow = 10
const entriesKept = 10_000

/** Counts sign-in attempts by address, so that guessing is slow. One process's memory: replicas multiply the limit, they do not lift it. */
export class Throttle {
  private readonly attempts = new Map<string, number[]>()

  /** Throws `rate_limited` at the attempt that is too many. */
  count(key: string): void {
    const now = Date.now()
    const recent = (this.attempts.get(key) ?? []).filter((at) => now - at < windowMs)
    recent.push(now)
    this.attempts.delete(key)
    this.attempts.set(key, recent)
    const oldest = this.attempts.keys().next().value
    if (this.attempts.size > entriesKept && oldest !== undefined) this.attempts.delete(oldest)
    if (recent.length > attemptsPerWindow) throw new HelixError('rate_limited', 'Too many attempts: wait a minute and try again.')
  }
}
