/**
 * Runs the first request at once and everything that is asked for within the pause after it, or while it runs, as one more: bursts of events
 * become two readings, and a single one waits for nothing.
 */
export function collapse(task: () => Promise<void>, pauseMs = 120): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let resting = true
  let again = false
  const run = async (): Promise<void> => {
    resting = false
    try {
      await task()
    } finally {
      timer = setTimeout(() => {
        resting = true
        if (!again) return
        again = false
        void run()
      }, pauseMs)
    }
  }
  return () => {
    if (resting) {
      clearTimeout(timer)
      void run()
    } else again = true
  }
}
