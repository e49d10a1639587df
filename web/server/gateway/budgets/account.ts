import type { BudgetId } from '@helix/contract/ids'
import type { Amount } from '../ports/holds.ts'

export type Unit = 'money' | 'tokens'

export const amountIn = (unit: Unit, amount: Amount): number => (unit === 'money' ? amount.microUsd : amount.tokens)

/** Units: milliseconds. What was not asked for during this is given back. */
const idleAfterMs = 1500
/** Units: seconds of spending at the present pace that a lease keeps ready, so that most calls need no database. */
const readySeconds = 1.5

/**
 * What this process may spend of one budget in one period. `used + open` never passes `cap`, and `cap` never passes what the database has granted:
 * it is lowered before the database is told, and raised after the database has said so. Amounts are in the budget's unit.
 */
export class Account {
  readonly budgetId: BudgetId
  /** The first day of the period. */
  readonly startsOn: string
  readonly unit: Unit
  cap = 0
  used = 0
  open = 0
  /** The database has ended the lease and charged all of it: nothing more is taken from it. */
  lost = false
  /** Others lack what is kept ready here. */
  demanded = false
  /** Monotonic; when the database was last asked and answered. */
  confirmedAt: number
  private lastTaken: number
  private lookedAt: number
  private usedThen = 0
  /** For each second. */
  private pace = 0

  constructor(budgetId: BudgetId, startsOn: string, unit: Unit, now: number) {
    this.budgetId = budgetId
    this.startsOn = startsOn
    this.unit = unit
    this.confirmedAt = now
    this.lastTaken = now
    this.lookedAt = now
  }

  get free(): number {
    return this.cap - this.used - this.open
  }

  take(amount: number, now: number): void {
    this.open += amount
    this.lastTaken = now
  }

  /** A call that cost more than the most it could is counted all the same. */
  settle(held: number, actual: number): void {
    this.open -= held
    this.used += actual
    this.cap = Math.max(this.cap, this.used + this.open)
  }

  idle(now: number): boolean {
    return now - this.lastTaken > idleAfterMs
  }

  /** Nothing of it has been asked for during so long, and nothing is open. */
  restsFor(ms: number, now: number): boolean {
    return this.open === 0 && now - this.lastTaken > ms
  }

  /** What is worth keeping ready above what is used and open. */
  ready(now: number): number {
    if (this.demanded || this.idle(now)) return 0
    return Math.ceil(this.pace * readySeconds + this.open / 2)
  }

  /** Lowers `cap` to what is worth keeping. Once a second. */
  trim(now: number): void {
    const seconds = Math.max(0.001, (now - this.lookedAt) / 1000)
    if (seconds > 0.5) {
      this.pace = (this.pace + (this.used - this.usedThen) / seconds) / 2
      this.lookedAt = now
      this.usedThen = this.used
    }
    this.cap = Math.max(this.used + this.open, Math.min(this.cap, this.used + this.open + this.ready(now)))
  }
}
