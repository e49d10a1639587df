import { HelixError } from '@helix/contract/errors'
import type { OrgId } from '@helix/contract/ids'
import { steadyNow } from './clock.ts'

/** Calls that wait, of one organisation and of all. */
const mostOfOne = 64
const mostOfAll = 1024
/** Units: milliseconds; who would have to wait longer is told when to come again. */
export const longestWaitMs = 20_000

interface Waiter {
  go: () => void
}

/**
 * Holds calls back while a provider says that it takes no more, and lets them go by turns: one of each organisation after the other, however many one of them
 * sends. When the time is over one call goes first; each that is taken lets two more go.
 */
export class Turnstile {
  private closedUntil = 0
  private readonly queues = new Map<OrgId, Waiter[]>()
  private count = 0
  private timer: NodeJS.Timeout | null = null

  /** Units: milliseconds until it opens. */
  get restMs(): number {
    return Math.max(0, this.closedUntil - steadyNow())
  }

  get waiting(): number {
    return this.count
  }

  close(forMs: number): void {
    this.closedUntil = Math.max(this.closedUntil, steadyNow() + forMs)
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    if (this.count > 0) this.arm()
  }

  /** A call was taken. */
  taken(): void {
    this.letGo(2)
  }

  /** Waits for its turn; at once where nobody waits. Throws `rate_limited` where the wait would be too long. */
  pass(orgId: OrgId, signal: AbortSignal): Promise<void> | undefined {
    if (this.restMs === 0 && this.count === 0) return undefined
    const queue = this.queues.get(orgId) ?? []
    if (this.restMs > longestWaitMs || queue.length >= mostOfOne || this.count >= mostOfAll)
      throw new HelixError('rate_limited', 'The provider takes no more calls now, and many wait already: try again later.', {
        retryAfterMs: Math.max(1000, this.restMs),
      })
    return new Promise((resolve, reject) => {
      const left = (): void => {
        this.remove(orgId, waiter)
        reject(signal.reason)
      }
      const waiter: Waiter = {
        go: () => {
          signal.removeEventListener('abort', left)
          resolve()
        },
      }
      signal.addEventListener('abort', left, { once: true })
      this.queues.set(orgId, [...queue, waiter])
      this.count++
      this.arm()
    })
  }

  private arm(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null
      this.letGo(1)
      // Who goes first may be refused or leave, and must not keep the others for ever.
      if (this.count > 0 && this.restMs === 0) this.close(500)
      else if (this.count > 0) this.arm()
    }, Math.ceil(this.restMs))
  }

  private letGo(many: number): void {
    for (let gone = 0; gone < many && this.count > 0 && this.restMs === 0; gone++) this.next()?.go()
  }

  private next(): Waiter | undefined {
    const [first] = this.queues
    if (first === undefined) return undefined
    const [orgId, queue] = first
    const waiter = queue.shift()
    this.queues.delete(orgId)
    // Behind all others: by turns.
    if (queue.length > 0) this.queues.set(orgId, queue)
    this.count--
    return waiter
  }

  private remove(orgId: OrgId, waiter: Waiter): void {
    const queue = this.queues.get(orgId)?.filter((one) => one !== waiter) ?? []
    this.count--
    if (queue.length === 0) this.queues.delete(orgId)
    else this.queues.set(orgId, queue)
  }
}
