import type { Budget } from '@helix/contract/budgets'

export interface Plotted {
  /** Points of a line, as SVG takes them. */
  line: string
  /** Where the limit is, from above. */
  limitY: number
}

/** Spending over the running period, from its beginning to now, drawn into a box. Null: there is nothing to draw yet. */
export function plotOf({ points, startsAt, limit, spent }: Budget, now: number, width: number, height: number): Plotted | null {
  const first = startsAt === null ? Date.parse(points[0]?.at ?? '') : Date.parse(startsAt)
  if (Number.isNaN(first) || now <= first) return null
  const top = Math.max(limit, spent, 1) * 1.1
  const x = (at: number): number => Math.round((Math.max(0, at - first) / (now - first)) * width * 10) / 10
  const y = (amount: number): number => Math.round((height - (amount / top) * height) * 10) / 10
  const known = points.map(({ at, spent }) => ({ at: Date.parse(at), spent })).filter(({ at }) => at >= first && at <= now)
  const steps = [...(startsAt === null ? [] : [{ at: first, spent: 0 }]), ...known, { at: now, spent }]
  return { line: steps.map((step) => `${x(step.at)},${y(step.spent)}`).join(' '), limitY: y(limit) }
}
