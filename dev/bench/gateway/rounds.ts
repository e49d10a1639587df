import { say } from '../../setup/progress.mjs'
import { median, percentile } from '../figures.ts'
import type { Answer, Order } from './load.ts'
import type { Side } from './peers.ts'
import type { Generator } from './processes.ts'

export const rounds = 5

export type Ask = Pick<Order, 'kind' | 'atOnce' | 'seconds' | 'promptBytes' | 'chunks' | 'paceMs'>
export type Target = Pick<Side, 'name' | 'origin' | 'path' | 'headers'>

/** What one side did in one leg. */
export interface Leg {
  perSecond: number
  p50: number
  p99: number
}

export interface Measured {
  legs: Leg[]
  failed: number
}

const legOf = ({ calls, seconds, times }: Answer): Leg => {
  const all = [...times]
  return { perSecond: calls / seconds, p50: percentile(all, 50), p99: percentile(all, 99) }
}

export async function ask(generator: Generator, { origin, path, headers }: Target, order: Ask): Promise<Answer> {
  return generator.run({ origin, path, headers, ...order })
}

/**
 * Every side in turn, there and back (A-B-B-A), for several rounds: what the machine does meanwhile falls on all alike. The first leg of each side warms it up and does not
 * count.
 */
export async function measure(generator: Generator, targets: readonly Target[], order: Ask): Promise<Map<string, Measured>> {
  const measured = new Map<string, Measured>(targets.map(({ name }) => [name, { legs: [], failed: 0 }]))
  for (const target of targets) await ask(generator, target, { ...order, seconds: Math.min(2, order.seconds) })
  for (let round = 0; round < rounds; round++)
    for (const target of [...targets, ...targets.toReversed()]) {
      const answer = await ask(generator, target, order)
      const of = measured.get(target.name)
      if (of === undefined || answer.times.length === 0) throw new Error(`${target.name} answered nothing`)
      of.legs.push(legOf(answer))
      of.failed += answer.failed
    }
  for (const [name, { legs, failed }] of measured) {
    const [low, high] = [Math.min(...legs.map(({ perSecond }) => perSecond)), Math.max(...legs.map(({ perSecond }) => perSecond))]
    const figures = `${middle(legs, 'perSecond').toFixed(0)}/s (${low.toFixed(0)}-${high.toFixed(0)}), p50 ${middle(legs, 'p50').toFixed(2)} ms, p99 ${middle(legs, 'p99').toFixed(2)} ms`
    say(`c=${order.atOnce} ${order.promptBytes} bytes, ${name}: ${figures}, ${failed} failed`)
  }
  return measured
}

/** The median over the legs. */
export const middle = (legs: readonly Leg[], what: keyof Leg): number => median(legs.map((leg) => leg[what]))

/** By how much one side is slower than another, round by round: the median of the differences of neighbours. */
export function added(measured: Map<string, Measured>, name: string, what: 'p50' | 'p99'): number {
  const [direct, other] = [measured.get('direct')?.legs ?? [], measured.get(name)?.legs ?? []]
  return median(other.map((leg, at) => leg[what] - (direct[at]?.[what] ?? 0)))
}
