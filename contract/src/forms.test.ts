import { expect, test } from 'vitest'
import { type FormField, filledIn, formFaults } from './forms.ts'

const common = { title: '', description: '', required: false, initial: null }
const options = ['a', 'b'].map((value) => ({ value, label: value, description: '' }))
const fields: FormField[] = [
  { type: 'text', name: 'words', ...common, required: true, minLength: 2, maxLength: 5 },
  { type: 'number', name: 'port', ...common, whole: true, minimum: 1, maximum: 65535 },
  { type: 'yes_no', name: 'sure', ...common },
  { type: 'choice', name: 'one', ...common, options },
  { type: 'choices', name: 'some', ...common, options, minItems: null, maxItems: 1 },
]

test('what fits is taken, and optional fields may stay empty', () => {
  expect(formFaults(fields, { words: 'yes', port: 80, sure: false, one: 'a', some: ['b'] })).toEqual({})
  expect(formFaults(fields, { words: 'yes', one: '', some: [] })).toEqual({})
  expect(filledIn({ words: 'yes', one: '', some: [], sure: false, port: 0 })).toEqual({ words: 'yes', sure: false, port: 0 })
})

test.each([
  [{}, { words: 'an answer is needed' }],
  [{ words: 'x' }, { words: 'at least 2 characters' }],
  [{ words: 'too long' }, { words: 'at most 5 characters' }],
  [{ words: 'ok', port: 1.5 }, { port: 'a whole number is asked for' }],
  [{ words: 'ok', port: 70_000 }, { port: 'at most 65535' }],
  [{ words: 'ok', port: '80' }, { port: 'a number is asked for' }],
  [{ words: 'ok', sure: 'yes' }, { sure: 'yes or no is asked for' }],
  [{ words: 'ok', one: 'c' }, { one: 'not one of the choices' }],
  [{ words: 'ok', some: ['a', 'c'] }, { some: 'not among the choices' }],
  [{ words: 'ok', some: ['a', 'b'] }, { some: 'at most 1 choices' }],
  [{ words: 'ok', other: 1 }, { other: 'nobody asked for this' }],
])('%j is told as %j', (values, faults) => {
  expect(formFaults(fields, values)).toEqual(faults)
})
