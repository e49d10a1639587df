/** Resolves at the first SIGINT or SIGTERM. A second one while things end is ignored: ending is bounded by itself. */
export function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
  })
}
