/** Units: milliseconds. */
const firstMs = 500
const longestMs = 15_000

/** The pause before a connection is tried again: doubled each time, and spread so that a hundred pages do not come at once. `chance`: 0 to 1. */
export function pauseMs(attempt: number, chance: number): number {
  const full = Math.min(firstMs * 2 ** Math.min(attempt, 10), longestMs)
  return Math.round(full / 2 + (full / 2) * chance)
}
