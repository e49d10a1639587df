import { expect, test } from 'vitest'
import { costOf } from '../ports/counts.ts'
import { listedModel, listName, standardChoices } from './prices.ts'

test.each([
  ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
  ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5'],
  ['claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
  ['anthropic/claude-sonnet-4.5', 'claude-sonnet-4-5'],
  ['gpt-4.1-2025-04-14', 'gpt-4.1'],
  ['openai/gpt-5-mini', 'gpt-5-mini'],
  ['models/gemini-2.5-pro', 'gemini-2.5-pro'],
])('%s is listed as %s', (model, name) => {
  expect(listName(model)).toBe(name)
  expect(listedModel(model)).toBe(listedModel(name))
  expect(listedModel(model)).not.toBeNull()
})

test('a model that no vendor lists has no price', () => {
  expect(listedModel('my-own-llama')).toBeNull()
  expect(listedModel('gpt-5-mini-of-mine')).toBeNull()
})

test('a long prompt is dearer from the first token over the bound, its cached part too', () => {
  const price = listedModel('claude-sonnet-4-5')?.price ?? null
  const counts = { input: 200_000, output: 1000, cachedInput: 100_000, cacheWrite: 0, reasoning: 0, estimated: false }
  expect(costOf(price, counts)).toBe(100_000 * 3 + 100_000 * 0.3 + 1000 * 15)
  expect(costOf(price, { ...counts, input: 200_001 })).toBe(Math.ceil(100_001 * 6 + 100_000 * 0.6 + 1000 * 22.5))
})

test('every model that an alias may stand for has a price', () => {
  for (const model of [...standardChoices.fast, ...standardChoices.smart]) expect(listedModel(model), model).not.toBeNull()
})
