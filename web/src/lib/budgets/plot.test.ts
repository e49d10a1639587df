import type { Budget } from '@helix/contract/budgets'
import { expect, test } from 'vitest'
import { plotOf } from './plot.ts'

const at = (hour: number): string => `2026-11-26T${String(hour).padStart(2, '0')}:00:00.000Z`
const budget = (set: Partial<Budget>): Budget => ({ points: [], startsAt: at(0), limit: 100, spent: 50, ...set }) as Budget
const noon = Date.parse(at(12))

test('a plot goes from nothing at the period’s beginning to what is spent now', () => {
  const plotted = plotOf(budget({ points: [{ at: at(6), spent: 10 }] }), noon, 120, 110)
  expect(plotted).toEqual({ line: '0,110 60,100 120,60', limitY: 10 })
})

test('what is spent above the limit is still in the picture', () => {
  expect(plotOf(budget({ spent: 200 }), noon, 120, 110)).toEqual({ line: '0,110 120,10', limitY: 60 })
})

test('a budget without periods is drawn from its first point, and not before there is one', () => {
  expect(plotOf(budget({ startsAt: null }), noon, 120, 110)).toBeNull()
  expect(plotOf(budget({ startsAt: null, points: [{ at: at(0), spent: 25 }] }), noon, 120, 110)?.line).toBe('0,85 120,60')
})
