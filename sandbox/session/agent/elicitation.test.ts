import { formField } from '@helix/contract/forms'
import { expect, test } from 'vitest'
import { formOf } from './elicitation.ts'

const request = (properties: Record<string, unknown>, required: string[] = []) =>
  formOf({
    mode: 'form',
    sessionId: 's',
    message: 'Which one?',
    requestedSchema: { type: 'object', properties: properties as never, required },
  })

// As claude-agent-acp 0.101 writes AskUserQuestion.
test('a question with choices, descriptions and a box for other words becomes a form', () => {
  const oneOf = [
    { const: 'Redis', title: 'Redis', description: 'A server of its own' },
    { const: 'Memory', title: 'Memory' },
  ]
  const form = request({
    question_0: { type: 'string', title: 'Cache', oneOf },
    question_0_custom: { type: 'string', title: 'Other', description: 'Type your own answer' },
    question_1: { type: 'array', title: 'Where', description: 'Where to?', items: { anyOf: oneOf } },
  })
  expect(form?.message).toBe('Which one?')
  expect(form?.fields.map(({ name, type, required }) => [name, type, required])).toEqual([
    ['question_0', 'choice', false],
    ['question_0_custom', 'text', false],
    ['question_1', 'choices', false],
  ])
  expect(form?.fields[0]).toMatchObject({
    title: 'Cache',
    options: [
      { value: 'Redis', label: 'Redis', description: 'A server of its own' },
      { value: 'Memory', label: 'Memory', description: '' },
    ],
  })
  for (const field of form?.fields ?? []) expect(formField.parse(field)).toEqual(field)
})

test('numbers, bounds, defaults and what is required come along', () => {
  const form = request(
    { port: { type: 'integer', minimum: 1, default: 80 }, sure: { type: 'boolean' }, why: { type: 'string', enum: ['x'] } },
    ['port'],
  )
  expect(form?.fields).toMatchObject([
    { type: 'number', whole: true, minimum: 1, maximum: null, initial: 80, required: true },
    { type: 'yes_no', required: false, initial: null },
    { type: 'choice', options: [{ value: 'x', label: 'x' }] },
  ])
})

test('what nobody here can be asked has no form', () => {
  expect(request({ file: { type: 'object' } })).toBeNull()
  expect(request({ one: { type: 'string', enum: [] } })).toBeNull()
  expect(formOf({ mode: 'url', sessionId: 's', message: 'Sign in', url: 'https://example.com', elicitationId: 'e' })).toBeNull()
})
