import type { TaskCard } from '@helix/contract/tasks'
import { describe, expect, test } from 'vitest'
import { arrange, columnOf, lanesOf, passes } from './filter.ts'

function card(over: Partial<TaskCard>): TaskCard {
  return {
    id: 'tsk_1' as TaskCard['id'],
    projectId: 'prj_1' as TaskCard['projectId'],
    number: 7,
    title: 'Add a greeting',
    status: 'planning',
    failedFrom: null,
    failure: null,
    activity: 'Running tests',
    agentRuntime: 'goose_code',
    demo: false,
    progress: null,
    priority: 'normal',
    labels: [],
    assignees: [],
    step: 0,
    blockedBy: [],
    attachmentCount: 0,
    needsBudget: false,
    liveSessionId: null,
    version: 1,
    createdBy: { id: 'usr_1' as TaskCard['createdBy']['id'], name: 'Ada' },
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
    ...over,
  }
}

describe('filter', () => {
  test.each([
    ['', true],
    ['greeting', true],
    ['GREETING tests', true],
    ['greeting nothing', false],
    ['#7', true],
    ['#70', false],
    ['is:working', true],
    ['is:failed', false],
    ['is:planning', true],
    ['agent:goose', true],
    ['agent:claude', false],
    ['ada', true],
    ['priority:normal', true],
    ['priority:urgent', false],
    ['label:none', true],
    ['label:bug', false],
    ['is:blocked', false],
  ])('%j passes: %j', (filter, expected) => {
    expect(passes(card({}), filter)).toBe(expected)
  })

  test('a failed card stands in the column it failed in and is found by its state', () => {
    const failed = card({ status: 'failed', failedFrom: 'implementing' })
    expect(columnOf(failed)).toBe('implementing')
    expect(passes(failed, 'is:failed is:implementing')).toBe(true)
  })

  test('archived cards are on no column, newer changes come first', () => {
    const older = card({ number: 1 })
    const newer = card({ number: 2, updatedAt: '2026-01-02T00:00:00Z' })
    const columns = arrange([older, card({ number: 3, status: 'archived' }), newer], '')
    expect(columns.get('planning')?.map(({ number }) => number)).toEqual([2, 1])
    expect([...columns.values()].flat()).toHaveLength(2)
  })

  test('labels and assignees are found by words of their names, and make lanes', () => {
    const labels = [{ id: 'lbl_1' as never, name: 'Needs docs', colour: 'blue' as const }]
    const labelled = card({ labels, assignees: [{ id: 'usr_2' as never, name: 'Grace Hopper', lostAccess: false }] })
    expect(passes(labelled, 'label:needs-docs assignee:grace')).toBe(true)
    const lanes = lanesOf([labelled, card({ number: 9 })], '', 'label')
    expect(lanes.map(({ title, count }) => [title, count])).toEqual([
      ['Needs docs', 1],
      ['No label', 1],
    ])
  })
})
