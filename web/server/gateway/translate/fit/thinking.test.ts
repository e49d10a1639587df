import { expect, test } from 'vitest'
import { emptyQuestion, type Question } from '../question.ts'
import { fitThinking } from './thinking.ts'

const question = (more: Partial<Question>): Question => ({ ...emptyQuestion, ...more })
const effort = (word: 'low' | 'max') => ({ off: false as const, effort: word, budgetTokens: null, shown: false })

test('thinking and answer together never pass what was allowed', () => {
  for (const most of [2048, 3000, 8000, 64_000]) {
    for (const word of ['low', 'max'] as const) {
      const fitted = fitThinking(question({ thinking: effort(word) }), 'claude', 'claude-sonnet-4-5', false, most)
      const { thinking } = fitted.providerOptions.anthropic as { thinking: { budgetTokens: number } }
      expect(thinking.budgetTokens).toBeGreaterThanOrEqual(1024)
      // The library adds the two up.
      expect(thinking.budgetTokens + (fitted.maxOutputTokens ?? 0)).toBe(most)
    }
  }
})

test('Claude does not think where it would be refused: little room, a forced call, thoughts that were not handed back', () => {
  const thinking = effort('low')
  const fit = (more: Partial<Question>, most: number) =>
    fitThinking(question({ thinking, ...more }), 'claude', 'claude-sonnet-4-5', false, most)
  const lost: Question['prompt'] = [
    { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'a', toolName: 'look', input: {} }] },
    { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'a', toolName: 'look', output: { type: 'text', value: 'x' } }] },
  ]
  for (const fitted of [fit({}, 1500), fit({ toolChoice: { type: 'required' } }, 9000), fit({ prompt: lost }, 9000)])
    expect(fitted).toEqual({ providerOptions: {}, maxOutputTokens: fitted.maxOutputTokens })
})

test('models that choose their own budget get a word, others a number', () => {
  const of = (model: string) => fitThinking(question({ thinking: effort('low') }), 'claude', model, false, 9000).providerOptions.anthropic
  for (const model of ['claude-opus-4-6', 'claude-sonnet-5', 'claude-opus-4-8@20260101']) expect(of(model)).toMatchObject({ effort: 'low' })
  for (const model of ['claude-opus-4-20250514', 'claude-sonnet-4-5-20250929', 'claude-3-7-sonnet'])
    expect(of(model)).toMatchObject({ thinking: { type: 'enabled' } })
})

test('a small server is asked to think only by a word', () => {
  const budget = { off: false as const, effort: null, budgetTokens: 2000, shown: true }
  expect(fitThinking(question({ thinking: budget }), 'compatible', 'qwen3', false, null).reasoning).toBeUndefined()
  expect(fitThinking(question({ thinking: effort('low') }), 'compatible', 'qwen3', false, null).reasoning).toBe('low')
})
