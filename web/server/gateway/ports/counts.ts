/** Tokens of one call. */
export interface Counts {
  /** All of the prompt, with what was cached. */
  input: number
  output: number
  /** Of the input, read from the provider’s cache and written to it. */
  cachedInput: number
  cacheWrite: number
  /** Of the output. */
  reasoning: number
  /** The provider did not say: counted from the bytes. */
  estimated: boolean
}

/** Units: micro-dollars for a million tokens. */
export interface Price {
  input: number
  output: number
  /** Null: as input. */
  cachedInput: number | null
  cacheWrite: number | null
  /** What holds for a call whose input is above so many tokens. */
  long: {
    aboveTokens: number
    input: number
    output: number
    cachedInput?: number | null | undefined
    cacheWrite?: number | null | undefined
  } | null
}

/** Units: micro-dollars, rounded up; 0 for a model without a price. */
export function costOf(price: Price | null, counts: Counts): number {
  if (price === null) return 0
  const dear = price.long !== null && counts.input > price.long.aboveTokens ? { ...price, ...price.long } : price
  const plain = Math.max(0, counts.input - counts.cachedInput - counts.cacheWrite)
  const cached = counts.cachedInput * (dear.cachedInput ?? dear.input) + counts.cacheWrite * (dear.cacheWrite ?? dear.input)
  return Math.ceil((plain * dear.input + cached + counts.output * dear.output) / 1_000_000)
}
