import { expect, test } from 'vitest'
import { nextAction, otherActions } from './actions.ts'

test('a spec in review leads to the page where it is read, not to a blind approval', () => {
  const task = { status: 'spec_review' as const, allowed: ['approve_spec' as const, 'request_spec_changes' as const, 'archive' as const] }
  expect(nextAction(task)).toBe('review_spec')
  expect(otherActions(task)).toEqual(['archive'])
})

test('a failed task offers the retry first and the ways back in the menu', () => {
  const task = { status: 'failed' as const, allowed: ['retry' as const, 'back_to_backlog' as const, 'archive' as const] }
  expect(nextAction(task)).toBe('retry')
  expect(otherActions(task)).toEqual(['back_to_backlog', 'archive'])
})

test('while the agent works there is no primary action', () => {
  expect(nextAction({ status: 'planning', allowed: ['back_to_backlog', 'archive'] })).toBeNull()
})
