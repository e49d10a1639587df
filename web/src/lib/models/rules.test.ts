import { expect, test } from 'vitest'
import { headersOf, headersText, listOf } from './rules.ts'

test('headers go through the form and come back as they were', () => {
  const headers = { 'X-Cost-Centre': '12: 34', 'X-Team': 'a' }
  expect(headersOf(headersText(headers))).toEqual({ headers })
  expect(headersOf('\n  X-A :  b  \n')).toEqual({ headers: { 'X-A': 'b' } })
})

test('a line that is no header is named', () => {
  expect(headersOf('X-A: 1\n\nnonsense')).toEqual({ line: 3 })
  expect(headersOf('X-A:')).toEqual({ line: 1 })
})

test('an empty list stands for all', () => {
  expect(listOf(' \n')).toBeNull()
  expect(listOf('a\n a\nb ')).toEqual(['a', 'b'])
})
