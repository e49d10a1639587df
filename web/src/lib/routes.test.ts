import { expect, test } from 'vitest'
import { routes, safeNext } from './routes.ts'

test.each([
  ['/projects/prj_1?filter=a%20b', '/projects/prj_1?filter=a%20b'],
  [null, '/'],
  ['https://evil.example/', '/'],
  ['//evil.example/x', '/'],
  ['/\\evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['/\t/evil.example', '/'],
  ['/.//evil.example', '/'],
  ['/a/..//evil.example', '/'],
])('after signing in, %j leads to %j', (next, expected) => {
  expect(safeNext(next)).toBe(expected)
})

test('what is empty is left out of a URL', () => {
  expect(routes.board('prj_1', { filter: '' })).toBe('/projects/prj_1')
  expect(routes.repository('repo_1', { ref: undefined, path: 'a b/c' })).toBe('/repositories/repo_1?path=a+b%2Fc')
})
