/** Units: micro-dollars in; small amounts keep the digits that say something. */
export function money(microUsd: number): string {
  const dollars = microUsd / 1_000_000
  const digits = dollars === 0 || dollars >= 1 ? 2 : dollars >= 0.01 ? 3 : 5
  return dollars.toLocaleString('en', { style: 'currency', currency: 'USD', minimumFractionDigits: 2, maximumFractionDigits: digits })
}

const units: [number, string][] = [
  [1_000_000_000, 'B'],
  [1_000_000, 'M'],
  [1000, 'k'],
]

/** 1,234,567 as 1.2M. */
export function short(count: number): string {
  const unit = units.find(([size]) => count >= size)
  if (unit === undefined) return String(count)
  return `${(count / unit[0]).toFixed(count / unit[0] < 10 ? 1 : 0)}${unit[1]}`
}

/** A round figure that is at least this. */
export function ceiling(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((one) => value <= one * power * 1.000001) ?? 10
  return step * power
}

export const duration = (ms: number): string =>
  ms < 1000
    ? `${ms} ms`
    : ms < 60_000
      ? `${(ms / 1000).toFixed(1)} s`
      : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
