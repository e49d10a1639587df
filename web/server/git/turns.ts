export interface Turns {
  /** Runs after whatever runs under this key. Calls that wait share one run: it starts after they came. */
  share(key: string, run: () => Promise<void>): Promise<void>
  /** Runs after whatever runs under this key, alone. */
  alone(key: string, run: () => Promise<void>): Promise<void>
  /** When nothing runs any more; failures are their callers'. */
  idle(): Promise<void>
}

/** One at a time for each key, in the order of asking. */
export function createTurns(): Turns {
  const tails = new Map<string, Promise<void>>()
  const waiting = new Map<string, Promise<void>>()

  const alone = (key: string, run: () => Promise<void>): Promise<void> => {
    const turn = (tails.get(key) ?? Promise.resolve()).then(run)
    const tail = turn
      .catch(() => undefined)
      .finally(() => {
        if (tails.get(key) === tail) tails.delete(key)
      })
    tails.set(key, tail)
    return turn
  }

  return {
    alone,
    share(key, run) {
      const shared = waiting.get(key)
      if (shared !== undefined) return shared
      const turn = alone(key, () => {
        waiting.delete(key)
        return run()
      })
      waiting.set(key, turn)
      return turn
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values())
    },
  }
}
