import { expect, test } from 'vitest'
import { branchPattern, protectedBy } from './branches.ts'

test.each([
  ['main', 'main', true],
  ['main', 'main2', false],
  ['release/*', 'release/1.0', true],
  ['release/*', 'release/1.0/fix', true],
  ['release/*', 'release', false],
  ['v?', 'v1', true],
  ['v?', 'v12', false],
  ['a.b', 'axb', false],
])('%s protects %s: %s', (pattern, branch, covers) => {
  expect(protectedBy([pattern], branch) !== null).toBe(covers)
})

test('a pattern has nothing a shell would read otherwise', () => {
  for (const bad of ['[ab]', 'a b', '$(x)', 'a|b', "'", '!x', '']) expect(branchPattern.safeParse(bad).success).toBe(false)
})
