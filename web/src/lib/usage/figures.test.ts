import { expect, test } from 'vitest'
import { ceiling, duration, money, short } from './figures.ts'

test.each([
  [0, '$0.00'],
  [1_234_567_890, '$1,234.57'],
  [15_000, '$0.015'],
  [42, '$0.00004'],
])('%i micro-dollars are %s', (micro, text) => {
  expect(money(micro)).toBe(text)
})

test.each([
  [999, '999'],
  [1234, '1.2k'],
  [45_678, '46k'],
  [1_234_567, '1.2M'],
])('%i is %s for short', (count, text) => {
  expect(short(count)).toBe(text)
})

test.each([
  [0, 1],
  [0.7, 0.8],
  [2.7, 3],
  [21, 25],
  [100, 100],
])('an axis over %d ends at %d', (value, end) => {
  expect(ceiling(value)).toBeCloseTo(end)
})

test('durations are said in the unit that fits', () => {
  expect([duration(90), duration(1500), duration(61_000)]).toEqual(['90 ms', '1.5 s', '1 min 1 s'])
})
