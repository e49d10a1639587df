import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { TemporalPort } from '../temporal.ts'
import { claimDue, forget, type OutboxMessage, type OutboxRow, postpone } from './store.ts'

/** Units: milliseconds. */
const sweepMs = 5000
const leaseMs = 30_000
const longestDelayMs = 30_000

/** Carries outbox rows to Temporal: right after a commit (`nudge`) and by a sweep. The network is never waited for inside a transaction. */
export class OutboxRelay implements AsyncDisposable {
  private readonly db: Knex
  private readonly temporal: TemporalPort
  private readonly log: Logger
  private timer: NodeJS.Timeout | null = null
  private running: Promise<void> | null = null
  private again = false
  private stopped = false

  constructor(db: Knex, temporal: TemporalPort, log: Logger) {
    this.db = db
    this.temporal = temporal
    this.log = log
  }

  start(): void {
    this.timer = setInterval(() => this.nudge(), sweepMs)
    this.nudge()
  }

  nudge(): void {
    if (this.stopped || this.timer === null) return
    if (this.running !== null) {
      this.again = true
      return
    }
    this.running = this.sweep()
      .catch((error) => this.log.error({ err: error }, 'outbox sweep failed'))
      .finally(() => {
        this.running = null
        if (this.again) {
          this.again = false
          this.nudge()
        }
      })
  }

  private async sweep(): Promise<void> {
    for (;;) {
      const rows = await claimDue(this.db, 50, leaseMs)
      if (rows.length === 0 || this.stopped) return
      // Messages of one task or session go in order; others go side by side.
      const tasks = Map.groupBy(rows, ({ message }) => message.taskId ?? (message as { sessionId: string }).sessionId)
      await Promise.all([...tasks.values()].map((group) => this.deliverInOrder(group)))
    }
  }

  private async deliverInOrder(rows: OutboxRow[]): Promise<void> {
    for (const [index, row] of rows.entries()) {
      try {
        await this.deliver(row.message)
        await forget(this.db, row.id)
      } catch (error) {
        const delay = Math.min(500 * 2 ** Math.min(row.attempts, 8), longestDelayMs)
        const reason = error instanceof Error ? error.message : String(error)
        this.log.warn({ outboxId: row.id, kind: row.message.kind, taskId: row.message.taskId, reason }, 'outbox message not delivered yet')
        for (const late of rows.slice(index)) await postpone(this.db, late.id, delay, reason)
        return
      }
    }
  }

  private async deliver(message: OutboxMessage): Promise<void> {
    if (message.kind === 'signalTask') {
      await this.temporal.signalTask(message.taskId, message.signal, message.payload)
      return
    }
    if (message.kind === 'signalSession') {
      await this.temporal.signalSession(message.sessionId, message.signal, message.payload)
      return
    }
    if (message.kind === 'tellSession') {
      await this.temporal.tellSession(message.sessionId, message.taskId, message.signal, message.payload)
      return
    }
    await this.temporal.startTask(message.taskId)
    // A refused request was answered: a second try of one that was accepted is refused too.
    if (message.request) await this.temporal.requestTask(message.taskId, message.request, 20_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true
    if (this.timer) clearInterval(this.timer)
    await this.running
  }
}
