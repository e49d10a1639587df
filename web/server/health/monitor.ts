import { type HealthKey, type HealthPart, healthKeys } from '@helix/contract/health'
import type { Logger } from 'pino'
import { within } from './deadline.ts'
import { type Finding, HealthLog } from './log.ts'
import { looks, outages, type Parts } from './parts.ts'

/** Units: milliseconds. */
const everyMs = 30_000
const rememberedMs = 60_000
const deadlineMs = 3000
const leastPauseMs = 1000

export interface Look {
  at: Date
  parts: HealthPart[]
}

const reasonOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.split('\n')[0] ?? text
}

/** Looks at every part now and then, so that there is a since-when and a last error. Each part has a deadline: none holds up the others. */
export class HealthMonitor implements Disposable {
  readonly startedAt = new Date()
  private readonly parts: Parts
  private readonly log: Logger
  private readonly health = new HealthLog()
  private last: Look | null = null
  private running: Promise<Look> | null = null
  private timer: NodeJS.Timeout | null = null

  constructor(parts: Parts, log: Logger) {
    this.parts = parts
    this.log = log
  }

  start(): void {
    const look = (): void => void this.look(true).catch((error) => this.log.warn({ err: error }, 'health could not be looked at'))
    this.timer ??= setInterval(look, everyMs).unref()
    look()
  }

  /** Of many who ask at once, one look serves all. */
  async look(fresh: boolean): Promise<Look> {
    if (this.running !== null) return this.running
    const age = this.last === null ? Number.POSITIVE_INFINITY : Date.now() - this.last.at.getTime()
    if (this.last !== null && age < (fresh ? leastPauseMs : rememberedMs)) return this.last
    this.running = this.lookNow()
    try {
      this.last = await this.running
      return this.last
    } finally {
      this.running = null
    }
  }

  private async lookNow(): Promise<Look> {
    const parts = await Promise.all(healthKeys.map((key) => this.part(key)))
    return { at: new Date(), parts }
  }

  private async part(key: HealthKey): Promise<HealthPart> {
    const start = performance.now()
    const found: Finding = await within(deadlineMs, looks[key](this.parts)).catch((error: unknown) => {
      const reason = reasonOf(error)
      return { state: 'down' as const, text: `Does not answer: ${reason}`, error: reason, fix: outages[key] }
    })
    return this.health.record(key, found, performance.now() - start, new Date())
  }

  [Symbol.dispose](): void {
    if (this.timer !== null) clearInterval(this.timer)
  }
}
