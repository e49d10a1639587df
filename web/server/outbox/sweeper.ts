import type { Logger } from 'pino'

/** Runs one sweep at a time: by the clock, and soon after a nudge. A sweep that throws is logged and tried again at the next. */
export class Sweeper implements AsyncDisposable {
  private readonly name: string
  private readonly sweep: (stopped: () => boolean) => Promise<void>
  private readonly everyMs: number
  private readonly log: Logger
  private timer: NodeJS.Timeout | null = null
  private running: Promise<void> | null = null
  private again = false
  private stopped = false

  constructor(name: string, everyMs: number, log: Logger, sweep: (stopped: () => boolean) => Promise<void>) {
    this.name = name
    this.everyMs = everyMs
    this.log = log
    this.sweep = sweep
  }

  start(): void {
    this.timer = setInterval(() => this.nudge(), this.everyMs)
    this.nudge()
  }

  nudge(): void {
    if (this.stopped || this.timer === null) return
    if (this.running !== null) {
      this.again = true
      return
    }
    this.running = this.sweep(() => this.stopped)
      .catch((error) => this.log.error({ err: error }, `${this.name} sweep failed`))
      .finally(() => {
        this.running = null
        if (!this.again) return
        this.again = false
        this.nudge()
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true
    if (this.timer) clearInterval(this.timer)
    await this.running
  }
}
