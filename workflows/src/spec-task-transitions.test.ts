import { type TaskStatus, taskStatuses } from '@helix/contract/task-status'
import { expect, test } from 'vitest'
import { allowedActions, type MessageKind, transition } from './spec-task-transitions.ts'

const facts = { failedFrom: null, justDoIt: false, merged: false, archivedFrom: null }
const kinds: MessageKind[] = [
  'start',
  'slotClaimed',
  'specReady',
  'approve_spec',
  'request_spec_changes',
  'reject_spec',
  'implementationReady',
  'approve_implementation',
  'request_implementation_changes',
  'mergeDone',
  'mergeConflict',
  'fail',
  'retry',
  'back_to_backlog',
  'archive',
  'restore',
  'undo_archive',
]

/** The life of a task as a person would draw it; every pair that is not named is refused. */
const drawn: Record<string, string> = {
  'backlog start': 'queued_planning',
  'backlog archive': 'archived',
  'queued_planning slotClaimed': 'planning',
  'queued_planning fail': 'failed',
  'queued_planning back_to_backlog': 'backlog',
  'queued_planning archive': 'archived',
  'planning specReady': 'spec_review',
  'planning fail': 'failed',
  'planning back_to_backlog': 'backlog',
  'planning archive': 'archived',
  'spec_review approve_spec': 'queued_implementation',
  'spec_review request_spec_changes': 'planning',
  'spec_review reject_spec': 'backlog',
  'spec_review back_to_backlog': 'backlog',
  'spec_review archive': 'archived',
  'queued_implementation slotClaimed': 'implementing',
  'queued_implementation fail': 'failed',
  'queued_implementation back_to_backlog': 'backlog',
  'queued_implementation archive': 'archived',
  'implementing implementationReady': 'implementation_review',
  'implementing fail': 'failed',
  'implementing back_to_backlog': 'backlog',
  'implementing archive': 'archived',
  'implementation_review approve_implementation': 'pull_request',
  'implementation_review request_implementation_changes': 'implementing',
  'implementation_review back_to_backlog': 'backlog',
  'implementation_review archive': 'archived',
  'pull_request mergeDone': 'merged',
  'pull_request mergeConflict': 'implementing',
  'pull_request fail': 'failed',
  'merged archive': 'archived',
  'failed retry': 'queued_planning',
  'failed back_to_backlog': 'backlog',
  'failed archive': 'archived',
  'archived restore': 'backlog',
  'archived undo_archive': 'backlog',
}

for (const status of taskStatuses) {
  for (const kind of kinds) {
    const to = drawn[`${status} ${kind}`]
    test(`${status} + ${kind} ${to === undefined ? 'is refused with a reason' : `leads to ${to}`}`, () => {
      const result = transition(status, { kind }, facts)
      if (to !== undefined) return expect(result).toEqual({ accepted: true, to })
      expect(result).toMatchObject({ accepted: false, reason: expect.stringMatching(/^The task is .+ cannot .+\.$/) })
    })
  }
}

test('a task that skips the spec is queued for implementation', () => {
  expect(transition('backlog', { kind: 'start' }, { ...facts, justDoIt: true })).toEqual({ accepted: true, to: 'queued_implementation' })
})

test('a retry goes on where it failed', () => {
  const retry = (failedFrom: 'planning' | 'implementing' | 'pull_request') =>
    transition('failed', { kind: 'retry' }, { ...facts, failedFrom })
  expect(retry('planning')).toEqual({ accepted: true, to: 'queued_planning' })
  expect(retry('implementing')).toEqual({ accepted: true, to: 'queued_implementation' })
  expect(retry('pull_request')).toEqual({ accepted: true, to: 'pull_request' })
})

test('an archived task that was merged is restored to merged', () => {
  expect(transition('archived', { kind: 'restore' }, { ...facts, merged: true })).toEqual({ accepted: true, to: 'merged' })
})

test('an archiving is undone to where the task stood; what worked then queues again', () => {
  const undone = (archivedFrom: TaskStatus, merged = false) =>
    transition('archived', { kind: 'undo_archive' }, { ...facts, archivedFrom, merged })
  for (const status of ['backlog', 'queued_planning', 'spec_review', 'queued_implementation', 'implementation_review', 'failed'] as const)
    expect(undone(status)).toEqual({ accepted: true, to: status })
  expect(undone('planning')).toEqual({ accepted: true, to: 'queued_planning' })
  expect(undone('implementing')).toEqual({ accepted: true, to: 'queued_implementation' })
  expect(undone('merged', true)).toEqual({ accepted: true, to: 'merged' })
})

test('the actions on offer are those the table takes', () => {
  expect(allowedActions('spec_review', null)).toEqual(['approve_spec', 'request_spec_changes', 'reject_spec', 'back_to_backlog', 'archive'])
  expect(allowedActions('pull_request', null)).toEqual([])
})
