import type { Hold } from '../ports/holds.ts'

interface Waiting {
  take(): Hold | null
  done(hold: Hold | null): void
}

/** Calls that wait for room under their budgets, who came first is served first. */
export class WaitingLine {
  private readonly waiting = new Set<Waiting>()

  /** Resolves with what `take` got when room was made, or with null after `ms`. */
  wait(take: () => Hold | null, ms: number): Promise<Hold | null> {
    return new Promise((resolve) => {
      const one: Waiting = {
        take,
        done: (hold) => {
          clearTimeout(timer)
          this.waiting.delete(one)
          resolve(hold)
        },
      }
      const timer = setTimeout(() => one.done(null), ms)
      this.waiting.add(one)
    })
  }

  /** A call has ended: what it held and did not cost is there for others. */
  room(): void {
    for (const one of this.waiting) {
      const hold = one.take()
      if (hold !== null) one.done(hold)
    }
  }
}
