import { expect, test } from 'vitest'
import { allows, matches } from './policy.ts'

test.each([
  ['read_file', 'read_file', true],
  ['read_file', 'read_files', false],
  ['read_*', 'read_file', true],
  ['read_*', 'read_', true],
  ['read_*', 'write_file', false],
  ['*', '', true],
  ['*', 'anything\nat all', true],
  ['*_file', 'read_file', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a.c', 'abc', false],
  ['READ', 'read', false],
])('the pattern %s and the tool %j: %s', (pattern, tool, expected) => {
  expect(matches(pattern, tool)).toBe(expected)
})

test('a pattern of many stars costs no more than its length', () => {
  expect(matches(`${'*a'.repeat(64)}b`, 'a'.repeat(20_000))).toBe(false)
})

test('without a list all are allowed; with one those of it; what is denied never is', () => {
  expect(allows({ allowedTools: null, deniedTools: [] }, 'any')).toBe(true)
  expect(allows({ allowedTools: [], deniedTools: [] }, 'any')).toBe(false)
  expect(allows({ allowedTools: ['get_*'], deniedTools: ['get_secret'] }, 'get_issue')).toBe(true)
  expect(allows({ allowedTools: ['get_*'], deniedTools: ['get_secret'] }, 'get_secret')).toBe(false)
  expect(allows({ allowedTools: null, deniedTools: ['delete_*'] }, 'delete_all')).toBe(false)
})
