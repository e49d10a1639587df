import { expect, test } from 'vitest'
import { grantOf } from './store.ts'

test('who lacks something gets it with a share of the rest, which is smaller the less there is', () => {
  const lack = { total: 100, least: 100, ready: 1000 }
  expect([100_000, 2000, 500, 120, 100].map((left) => grantOf(lack, left))).toEqual([1100, 575, 200, 105, 100])
})

test('of what is not enough for all of them the first get it, and none is taken that serves nobody', () => {
  const lack = { total: 300, least: 100, ready: 50 }
  expect([250, 100, 99, 0, -20].map((left) => grantOf(lack, left))).toEqual([250, 100, 0, 0, 0])
})
