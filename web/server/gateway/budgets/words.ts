import type { Unit } from './account.ts'

/** Units: micro-dollars. Small amounts keep the digits that tell them from nothing. */
export function money(microUsd: number): string {
  const dollars = microUsd / 1_000_000
  const digits = Math.abs(dollars) >= 1 || dollars === 0 ? 2 : Math.abs(dollars) >= 0.01 ? 4 : 6
  return `$${dollars.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: digits })}`
}

export const amountWords = (unit: Unit, amount: number): string =>
  unit === 'money' ? money(amount) : `${amount.toLocaleString('en')} tokens`

export const periodWords = { day: 'for today', month: 'for this month', total: 'in all' } as const

export interface Exhausted {
  /** "the project Shop", "task #7 of Shop". */
  about: string
  unit: Unit
  period: keyof typeof periodWords
  limit: number
  spent: number
  needs: number
  /** Calls under way hold the rest. */
  held: boolean
  /** Who may raise it, and where; null: it is read there. */
  raise: string
  url: string | null
}

/** For people: which budget, its limit, what is left and who may raise it. */
export function exhaustedWords({ about, unit, period, limit, spent, needs, held, raise, url }: Exhausted): string {
  const amount = (value: number): string => amountWords(unit, value)
  const state = held
    ? `${amount(spent)} are spent and calls under way hold the rest`
    : `${amount(spent)} are spent and the next call may cost ${amount(needs)}`
  return `The budget of ${about} ${periodWords[period]}, ${amount(limit)}, is exhausted: ${state}. ${raise} may raise it${url === null ? '.' : ` at ${url}`}`
}
