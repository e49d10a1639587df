import type { Comment, Question } from '@helix/contract/reviews'
import { expect, test } from 'vitest'
import { marksOf, openCount, stepIn, threadsOf, walkOf } from './threads.ts'

function comment(id: string, set: Partial<Comment> = {}): Comment {
  return {
    id: id as Comment['id'],
    parentId: null,
    revisionId: 'rev_1' as Comment['revisionId'],
    revisionNumber: 1,
    anchor: null,
    place: null,
    body: 'x',
    suggestion: null,
    appliedCommit: null,
    author: { kind: 'person', name: 'Ada', id: null },
    resolvedAt: null,
    resolvedBy: null,
    mayResolve: true,
    sentAt: null,
    createdAt: '2026-01-01T00:00:00Z',
    ...set,
  }
}
const on = (quote: string, start: number | null): Partial<Comment> => ({
  anchor: { document: 'design', quote, offset: 0 },
  place: { state: start === null ? 'gone' : 'moved', start, end: start === null ? null : start + quote.length },
})
const question = (commentId: string, state: Question['state']): Question =>
  ({ promptId: `prm_${commentId}`, sessionId: 'ses_1', commentId, state, problem: null, createdAt: '2026-01-01T00:00:00Z' }) as Question

test('threads stand in the order of the text, those on the whole and those whose text is gone come last', () => {
  const comments = [comment('1'), comment('2', on('gamma', 11)), comment('3', on('gone', null)), comment('4', on('alpha', 0))]
  expect(threadsOf({ comments, questions: [] }, 'design').map(({ comment: { id } }) => id)).toEqual(['4', '2', '1', '3'])
  expect(threadsOf({ comments, questions: [] }, 'tasks').map(({ comment: { id } }) => id)).toEqual(['1'])
})

test('replies and what the agent was asked belong to their thread', () => {
  const comments = [comment('1'), comment('2', { parentId: '1' as Comment['id'] }), comment('3')]
  const questions = [question('1', 'answered'), question('3', 'failed'), question('3', 'waiting')]
  const [first, second] = threadsOf({ comments, questions }, 'design')
  expect(first?.replies.map(({ id }) => id)).toEqual(['2'])
  expect([first?.question, second?.question?.state]).toEqual([null, 'waiting'])
})

test('only open threads are highlighted and counted, and replies are no threads', () => {
  const resolved = { resolvedAt: '2026-01-02T00:00:00Z' }
  const comments = [
    comment('1', on('alpha', 17)),
    comment('2', { ...on('beta', 6), ...resolved }),
    comment('3', { parentId: '1' as Comment['id'] }),
  ]
  expect(marksOf(threadsOf({ comments, questions: [] }, 'design'))).toEqual([{ id: '1', start: 17, end: 22 }])
  expect([openCount(comments), openCount(comments, 'tasks')]).toEqual([1, 0])
})

test('one walks the open threads of all documents and those on the whole once, from the shown document on, round and round', () => {
  const inTasks: Partial<Comment> = { ...on('beta', 3), anchor: { document: 'tasks', quote: 'beta', offset: 3 } }
  const comments = [
    comment('1'),
    comment('2', on('gamma', 11)),
    comment('3', inTasks),
    comment('4', on('alpha', 0)),
    comment('5', { ...on('done', 2), resolvedAt: '2026-01-02T00:00:00Z' }),
  ]
  const walk = walkOf({ comments, questions: [] })
  expect(walk.map(({ id, document }) => [id, document])).toEqual([
    ['4', 'design'],
    ['2', 'design'],
    ['3', 'tasks'],
    ['1', null],
  ])
  const to = (current: string | null, by: 1 | -1, shown: 'tasks' | 'requirements' = 'tasks') => stepIn(walk, current, shown, by)?.id
  expect([to('2', 1), to('3', -1), to('1', 1), to('4', -1)]).toEqual(['3', '2', '4', '1'])
  expect([to(null, 1), to(null, 1, 'requirements'), to('5', 1)]).toEqual(['3', '4', '3'])
  expect(stepIn([], null, 'tasks', 1)).toBe(undefined)
})
