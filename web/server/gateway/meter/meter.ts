import { HelixError } from '@helix/contract/errors'
import type { Logger } from 'pino'
import type { Meter, Metered } from '../ports/meter.ts'

export interface MeterSettings {
  /** Units: milliseconds between writes, and before the next try when one failed. */
  everyMs: number
  againMs: number
  /** Rows of one statement. */
  batch: number
  /** Rows in memory above which no call is taken: better none than one that is not counted. */
  full: number
}

export const meterSettings: MeterSettings = { everyMs: 250, againMs: 500, batch: 200, full: 20_000 }

/**
 * Keeps what was called until the database has it. While the database is away calls go on until the buffer is full; then they are refused. A process that is
 * killed loses what it had not written: a fraction of a second while the database answers.
 */
export class BufferedMeter implements Meter, AsyncDisposable {
  private readonly write: (calls: readonly Metered[]) => Promise<void>
  private readonly log: Logger
  private readonly settings: MeterSettings
  private waiting: Metered[] = []
  private underWay = 0
  private timer: NodeJS.Timeout | null = null
  private writing: Promise<void> | null = null
  private failed = false
  private stopping = false

  constructor(write: (calls: readonly Metered[]) => Promise<void>, log: Logger, settings: MeterSettings = meterSettings) {
    this.write = write
    this.log = log
    this.settings = settings
  }

  record(call: Metered): void {
    this.waiting.push(call)
    if (this.waiting.length >= this.settings.batch && !this.failed) void this.flush()
    else this.later()
  }

  /** A place for one more row, asked for before the call. Throws `database_unavailable` when there is none. */
  admit(): () => void {
    if (this.waiting.length + this.underWay >= this.settings.full)
      throw new HelixError(
        'database_unavailable',
        'The database does not take the records of calls: none is made that cannot be counted. Try again.',
      )
    this.underWay++
    let done = false
    return () => {
      if (!done) this.underWay--
      done = true
    }
  }

  /** Rows that the database does not have yet. */
  get behind(): number {
    return this.waiting.length
  }

  private later(): void {
    if (this.timer !== null || this.stopping) return
    this.timer = setTimeout(
      () => {
        this.timer = null
        void this.flush()
      },
      this.failed ? this.settings.againMs : this.settings.everyMs,
    )
  }

  /** Writes what waits. A failure is logged and tried again later. */
  flush(): Promise<void> {
    this.writing ??= this.drain().finally(() => {
      this.writing = null
      if (this.waiting.length > 0) this.later()
    })
    return this.writing
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      const some = this.waiting.slice(0, this.settings.batch)
      try {
        await this.write(some)
      } catch (error) {
        if (!this.failed) this.log.error({ err: error, waiting: this.waiting.length }, 'calls of the gateway are not written yet')
        this.failed = true
        return
      }
      this.failed = false
      this.waiting.splice(0, some.length)
    }
  }

  /** All is written, or the database had its chances for five seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping = true
    if (this.timer !== null) clearTimeout(this.timer)
    const end = performance.now() + 5000
    do {
      await this.flush()
      if (this.waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, 100))
    } while (this.waiting.length > 0 && performance.now() < end)
    if (this.waiting.length > 0)
      this.log.error({ calls: this.waiting.length }, 'calls of the gateway were not written: the database is away')
  }
}
