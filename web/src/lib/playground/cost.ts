import type { ModelPrice } from '@helix/contract/providers'

interface Counts {
  input: number | null
  output: number | null
  cached: number | null
}

/** Units: micro-dollars, as the gateway counts them; null: a figure is missing. */
export function costOf(price: ModelPrice | null, { input, output, cached }: Counts): number | null {
  if (price === null || input === null || output === null) return null
  const dear = price.long !== null && input > price.long.aboveTokens ? { ...price, ...price.long } : price
  const old = Math.min(cached ?? 0, input)
  return Math.ceil(((input - old) * dear.input + old * (dear.cachedInput ?? dear.input) + output * dear.output) / 1_000_000)
}
