/** Runs the newest request only after a pause, one at a time: bursts of events become one reading. */
export function collapse(task: () => Promise<void>, pauseMs = 120): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let running = false
  let again = false
  const run = async (): Promise<void> => {
    running = true
    try {
      await task()
    } finally {
      running = false
    }
    if (!again) return
    again = false
    void run()
  }
  return () => {
    if (running) {
      again = true
      return
    }
    clearTimeout(timer)
    timer = setTimeout(() => void run(), pauseMs)
  }
}
