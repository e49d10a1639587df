import type { Amount, Hold } from '../ports/holds.ts'
import { type Account, amountIn } from './account.ts'

export interface Part {
  account: Account
  amount: number
}

/** What one call holds of every budget above it. */
export class HeldCall implements Hold {
  private ended = false
  private readonly parts: readonly Part[]
  private readonly room: (actual: Amount) => void

  constructor(parts: readonly Part[], room: (actual: Amount) => void) {
    this.parts = parts
    this.room = room
  }

  settle(actual: Amount): void {
    if (this.ended) return
    this.ended = true
    for (const { account, amount } of this.parts) account.settle(amount, Math.max(0, Math.ceil(amountIn(account.unit, actual))))
    this.room(actual)
  }

  release(): void {
    this.settle({ microUsd: 0, tokens: 0 })
  }
}
