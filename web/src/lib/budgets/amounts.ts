import type { BudgetUnit } from '@helix/contract/budgets'

const microPerDollar = 1_000_000

/** Small amounts keep the digits that tell them from nothing. */
export function money(microUsd: number): string {
  const dollars = microUsd / microPerDollar
  const size = Math.abs(dollars)
  const digits = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 3 : 6
  return `$${dollars.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: digits })}`
}

export const amountText = (unit: BudgetUnit, amount: number): string =>
  unit === 'money' ? money(amount) : `${amount.toLocaleString('en')} tokens`

/** What a person typed, in micro-dollars or tokens; null: it is no amount. */
export function parseAmount(unit: BudgetUnit, typed: string): number | null {
  const plain = typed.trim().replace(/^\$/, '').replaceAll(',', '').trim()
  const pattern = unit === 'money' ? /^\d{1,9}(\.\d{1,6})?$/ : /^\d{1,15}$/
  if (!pattern.test(plain)) return null
  return unit === 'money' ? Math.round(Number(plain) * microPerDollar) : Number(plain)
}

/** As it is typed. */
export const typedAmount = (unit: BudgetUnit, amount: number): string =>
  unit === 'money' ? String(Number((amount / microPerDollar).toFixed(6))) : String(amount)

/** Units: percent, of 0 to 100; a budget of nothing is used up. */
export function percentOf(part: number, limit: number): number {
  return limit === 0 ? 100 : Math.min(100, Math.max(0, (part / limit) * 100))
}

/** A round limit that leaves room for what waits and for as much again. */
export function suggestedLimit(
  unit: BudgetUnit,
  { limit, spent, held }: { limit: number; spent: number; held: number },
  needs: number,
): number {
  const wanted = Math.max(limit * 1.5, spent + held + needs * 2, 1)
  const step =
    unit === 'money'
      ? Math.max(microPerDollar, 10 ** Math.floor(Math.log10(wanted) - 1))
      : 10 ** Math.max(3, Math.floor(Math.log10(wanted) - 1))
  return Math.ceil(wanted / step) * step
}
