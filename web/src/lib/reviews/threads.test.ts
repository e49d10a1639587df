import type { Comment } from '@helix/contract/reviews'
import { expect, test } from 'vitest'
import { marksOf, openCount, threadsOf } from './threads.ts'

const source = 'alpha beta gamma alpha'
function comment(id: string, anchor: Comment['anchor'], resolvedAt: string | null = null): Comment {
  return {
    id: id as Comment['id'],
    revisionId: 'rev_1' as Comment['revisionId'],
    revisionNumber: 1,
    anchor,
    body: 'x',
    author: { kind: 'person', name: 'Ada' },
    resolvedAt,
    sentAt: null,
    createdAt: '2026-01-01T00:00:00Z',
  }
}
const on = (quote: string, offset: number): Comment['anchor'] => ({ document: 'design', quote, offset })

test('threads stand in the order of the text, those on the whole and those whose text is gone come last', () => {
  const all = [comment('1', null), comment('2', on('gamma', 11)), comment('3', on('gone', 0)), comment('4', on('alpha', 0))]
  expect(threadsOf(all, 'design', source).map(({ comment: { id } }) => id)).toEqual(['4', '2', '1', '3'])
  expect(threadsOf(all, 'tasks', source).map(({ comment: { id } }) => id)).toEqual(['1'])
})

test('only open comments are highlighted and counted', () => {
  const all = [comment('1', on('alpha', 17)), comment('2', on('beta', 6), '2026-01-02T00:00:00Z')]
  expect(marksOf(threadsOf(all, 'design', source))).toEqual([{ id: '1', start: 17, end: 22 }])
  expect(openCount(all)).toBe(1)
  expect(openCount(all, 'tasks')).toBe(0)
})
