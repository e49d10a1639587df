import { table } from '../stack/story.ts'

export interface Figure {
  value: number
  unit: string
  /** What it must not exceed; null: shown for information. */
  bar: number | null
  /** The bar is what it must reach. */
  atLeast?: true
}

export type Figures = Record<string, Figure>

/** The value in the middle; of an even count the lower of the two. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  if (middle === undefined) throw new Error('median of nothing')
  return middle
}

/** The value that `share` percent do not exceed. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.ceil((share / 100) * sorted.length) - 1]
  if (value === undefined) throw new Error('percentile of nothing')
  return value
}

const round = (value: number): number => Math.round(value * 100) / 100

/**
 * Prints the table, one line `falls short: <figure> <value> <bar>` for each bar missed, and the JSON line last. Answers with the exit code:
 * 3 when a bar was missed.
 */
export function report(bench: string, figures: Figures): number {
  const rows = Object.entries(figures).map(([name, { value, unit, bar, atLeast }]) => [
    name,
    String(round(value)),
    unit,
    bar === null ? '' : `${atLeast ? '>=' : '<='} ${bar}`,
  ])
  process.stdout.write(`\n${table(['figure', 'value', 'unit', 'bar'], rows)}\n\n`)
  let code = 0
  for (const [name, { value, bar, atLeast }] of Object.entries(figures)) {
    if (bar === null || (atLeast ? value >= bar : value <= bar)) continue
    code = 3
    process.stdout.write(`falls short: ${name} ${round(value)} ${bar}\n`)
  }
  const rounded = Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, { ...figure, value: round(figure.value) }]))
  process.stdout.write(`${JSON.stringify({ bench, figures: rounded })}\n`)
  return code
}
