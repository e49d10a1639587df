import { expect, test } from 'vitest'
import { safePath } from './sign-in.ts'

test.each([
  ['/tasks/tsk_1?tab=spec', '/tasks/tsk_1?tab=spec'],
  [undefined, '/'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['/.//evil.example', '/'],
])('an identity provider sends back to a path of this site: %j leads to %j', (next, expected) => {
  expect(safePath(next)).toBe(expected)
})
