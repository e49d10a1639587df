import type { Candidate, Policy } from '../ports/candidate.ts'
import type { Breaker } from './breaker.ts'
import { keyOf } from './key.ts'

/** Micro-dollars for a million tokens in and as many out; unknown prices come last. */
const priceOf = ({ price }: Candidate): number => (price === null ? Number.POSITIVE_INFINITY : price.input + price.output)

/** Weighted at random, without putting back: each is first as often as its weight says. */
function shuffled(candidates: readonly Candidate[], random: () => number): Candidate[] {
  if (candidates.length < 2) return [...candidates]
  return candidates
    .map((candidate) => ({ candidate, draw: -Math.log(1 - random()) / Math.max(candidate.weight, 1e-9) }))
    .sort((a, b) => a.draw - b.draw)
    .map(({ candidate }) => candidate)
}

/** In which order they are tried: by rank, then by the rule. Where the rule finds no difference, by weight. */
export function ordered(
  candidates: readonly Candidate[],
  rule: Policy['choose'],
  breaker: Pick<Breaker, 'firstByteMs'>,
  random: () => number = Math.random,
): Candidate[] {
  if (candidates.length < 2) return [...candidates]
  // A key that was never tried is worth a try.
  const latency = (candidate: Candidate): number => breaker.firstByteMs(keyOf(candidate)) ?? 0
  const measure = rule === 'cost' ? priceOf : rule === 'latency' ? latency : () => 0
  const compare = (a: Candidate, b: Candidate): number => a.rank - b.rank || (measure(a) === measure(b) ? 0 : measure(a) - measure(b))
  return shuffled(candidates, random).sort(compare)
}
