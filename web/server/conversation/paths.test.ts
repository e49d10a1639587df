import { expect, test } from 'vitest'
import { rankPaths } from './paths.ts'

const paths = ['README.md', 'src/list.ts', 'src/list.test.ts', 'docs/listing/notes.md', 'src/todo/store.ts', 'src/light-switch.ts']

test('a file’s own name counts before its folders, letters in order count last', () => {
  expect(rankPaths(paths, 'list', 10)).toEqual(['src/list.ts', 'src/list.test.ts', 'docs/listing/notes.md', 'src/light-switch.ts'])
  expect(rankPaths(paths, 'LIST.t', 2)).toEqual(['src/list.ts', 'src/list.test.ts'])
  expect(rankPaths(paths, 'tdst', 10)).toEqual(['src/todo/store.ts'])
})

test('no letters list the shortest paths, and the limit holds', () => {
  expect(rankPaths(paths, '', 2)).toEqual(['README.md', 'src/list.ts'])
  expect(rankPaths(paths, 'zzz', 2)).toEqual([])
})
