import { expect, test } from 'vitest'
import { amountText, money, parseAmount, percentOf, suggestedLimit, typedAmount } from './amounts.ts'

test('money shows cents, and more where there are none', () => {
  expect([0, 1_230_000, 50_000_000, 4200, 12].map(money)).toEqual(['$0.00', '$1.23', '$50.00', '$0.0042', '$0.000012'])
  expect(amountText('tokens', 1_500_000)).toBe('1,500,000 tokens')
})

test('what people type is an amount, or is refused', () => {
  expect(['50', '$1,250.50', ' 0.000001 '].map((typed) => parseAmount('money', typed))).toEqual([50_000_000, 1_250_500_000, 1])
  for (const typed of ['', '-1', '1e3', 'many', '1.2345678', '12345678901']) expect(parseAmount('money', typed)).toBeNull()
  expect([parseAmount('tokens', '2,000,000'), parseAmount('tokens', '1.5')]).toEqual([2_000_000, null])
  for (const amount of [0, 1, 12_345_678]) expect(parseAmount('money', typedAmount('money', amount))).toBe(amount)
})

test('a budget of nothing is used up', () => {
  expect([percentOf(0, 0), percentOf(5, 10), percentOf(15, 10)]).toEqual([100, 50, 100])
})

test('a suggested limit is round and has room for what waits', () => {
  expect(suggestedLimit('money', { limit: 10_000_000, spent: 9_900_000, held: 0 }, 400_000)).toBe(15_000_000)
  expect(suggestedLimit('money', { limit: 0, spent: 0, held: 0 }, 2_300_000)).toBe(5_000_000)
  expect(suggestedLimit('tokens', { limit: 100_000, spent: 99_000, held: 500 }, 64_000)).toBe(230_000)
})
