import type { ModelPrice } from '@helix/contract/providers'

/** Units: micro-dollars for a million tokens in, dollars out, as people say prices. */
export const dollars = (micro: number): string => (micro / 1_000_000).toLocaleString('en', { maximumFractionDigits: 6 })

export function priceText(price: ModelPrice): string {
  const { input, output, cachedInput } = price
  const cached = cachedInput === null ? '' : `, cached $${dollars(cachedInput)}`
  return `$${dollars(input)} in, $${dollars(output)} out${cached}`
}

/** Of a form: text, or a number where the browser made one. */
export interface PriceFields {
  input: string
  output: string
  cachedInput: string
  cacheWrite: string
  aboveTokens: string
  longInput: string
  longOutput: string
  longCached: string
}

const shown = (micro: number | null | undefined): string => (micro === null || micro === undefined ? '' : String(micro / 1_000_000))

export const fieldsOf = (price: ModelPrice | null): PriceFields => ({
  input: shown(price?.input),
  output: shown(price?.output),
  cachedInput: shown(price?.cachedInput),
  cacheWrite: shown(price?.cacheWrite),
  aboveTokens: price?.long ? String(price.long.aboveTokens) : '',
  longInput: shown(price?.long?.input),
  longOutput: shown(price?.long?.output),
  longCached: shown(price?.long?.cachedInput),
})

const micro = (text: string): number | null => (text.trim() === '' ? null : Math.round(Number(text) * 1_000_000))

/** What was typed; what is left empty costs as input does, and a long prompt as any. */
export function priceOf(fields: PriceFields): ModelPrice {
  const input = micro(fields.input) ?? 0
  const output = micro(fields.output) ?? 0
  const cacheWrite = micro(fields.cacheWrite)
  const long =
    fields.aboveTokens.trim() === ''
      ? null
      : {
          ...{
            aboveTokens: Number(fields.aboveTokens),
            input: micro(fields.longInput) ?? input,
            output: micro(fields.longOutput) ?? output,
          },
          cachedInput: micro(fields.longCached),
        }
  return { input, output, cachedInput: micro(fields.cachedInput), cacheWrite, long }
}
