import type { TaskStatus } from '@helix/contract/task-status'
import type { TaskCard } from '@helix/contract/tasks'
import { expect, test } from 'vitest'
import type { ColumnKey } from './filter.ts'
import { dropOf } from './moves.ts'

const drop = (status: TaskStatus, to: ColumnKey, failedFrom: TaskStatus | null = null) => dropOf({ status, failedFrom } as TaskCard, to)

test.each([
  ['backlog', 'planning', 'start'],
  ['planning', 'backlog', 'back_to_backlog'],
  ['queued_implementation', 'backlog', 'back_to_backlog'],
  ['spec_review', 'backlog', 'back_to_backlog'],
] as const)('dropping %s on %s asks for %s', (status, to, action) => {
  expect(drop(status, to)).toMatchObject({ kind: 'act', action })
})

test('a failed card is tried again where it failed', () => {
  expect(drop('failed', 'implementing', 'implementing')).toMatchObject({ action: 'retry', becomes: 'queued_implementation' })
  expect(drop('failed', 'merged', 'implementing')).toMatchObject({ kind: 'refused' })
})

test('decisions lead to where the work is read', () => {
  expect(drop('spec_review', 'implementing')).toMatchObject({ kind: 'open', page: 'spec' })
  expect(drop('implementation_review', 'pull_request')).toMatchObject({ kind: 'open', page: 'changes' })
})

test.each([
  ['backlog', 'merged'],
  ['planning', 'implementing'],
  ['merged', 'backlog'],
  ['pull_request', 'backlog'],
] as const)('dropping %s on %s is refused with a reason', (status, to) => {
  const refused = drop(status, to)
  expect(refused.kind === 'refused' && refused.reason.length).toBeGreaterThan(20)
})

test('a card that is dropped where it stands stays', () => {
  expect(drop('planning', 'planning')).toEqual({ kind: 'stay' })
})
