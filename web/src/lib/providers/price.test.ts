import { expect, test } from 'vitest'
import { dollars, fieldsOf, priceOf, priceText } from './price.ts'

const price = {
  ...{ input: 3_000_000, output: 15_000_000, cachedInput: 300_000, cacheWrite: 3_750_000 },
  long: { aboveTokens: 200_000, input: 6_000_000, output: 22_500_000, cachedInput: 600_000 },
}

test('a price goes through the form and comes back as it was', () => {
  expect(priceOf(fieldsOf(price))).toEqual(price)
  expect(priceOf(fieldsOf({ ...price, cachedInput: null, long: null }))).toEqual({ ...price, cachedInput: null, long: null })
})

test('fractions of a cent are kept, and rounding leaves no tail', () => {
  expect(priceOf({ ...fieldsOf(null), input: '0.05', output: '0.1' })).toMatchObject({ input: 50_000, output: 100_000 })
  expect(dollars(50_000)).toBe('0.05')
  expect(priceText(price)).toBe('$3 in, $15 out, cached $0.3')
})

test('what is left empty for long prompts is as for short ones', () => {
  expect(priceOf({ ...fieldsOf(null), input: '1', output: '2', aboveTokens: '1000' }).long).toEqual({
    ...{ aboveTokens: 1000, input: 1_000_000, output: 2_000_000, cachedInput: null },
  })
})
