import type { Scope } from './scope.ts'

export interface Amount {
  microUsd: number
  tokens: number
}

/** What a call may cost at most, held back from every budget above it. Each is ended once; a second time does nothing. */
export interface Hold {
  /** What it did cost takes the place of what was held. */
  settle(actual: Amount): void
  /** It cost nothing. */
  release(): void
}

export interface Holds {
  /**
   * Throws `budget_exhausted` (402, names the budget, its limit and who may raise it), `rate_limited` (429 with `retryAfterMs` in its details) and
   * `database_unavailable` where no lease covers it. From memory while the leases of this process cover it.
   */
  reserve(scope: Scope, worst: Amount): Promise<Hold> | Hold
}
