import { HelixError } from '@helix/contract/errors'

/** Lets a bounded number through at once; the others wait in order, and too many waiting are told to come back. */
export function createGate(width: number, queueLength: number): <T>(run: () => Promise<T>) => Promise<T> {
  let inside = 0
  const waiting: (() => void)[] = []
  return async (run) => {
    if (inside >= width) {
      if (waiting.length >= queueLength) throw new HelixError('rate_limited', 'Too many git requests at once: try again in a moment.')
      // Whoever leaves hands over the place, so that nobody slips in between.
      await new Promise<void>((enter) => waiting.push(enter))
    } else {
      inside += 1
    }
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next === undefined) inside -= 1
      else next()
    }
  }
}
