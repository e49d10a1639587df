import type { PermissionRequest, TaskAgent } from '@helix/contract/conversation'
import { taskStatuses } from '@helix/contract/task-status'
import { describe, expect, test } from 'vitest'
import { waitsFor } from './waits-for.ts'

const subject = { activity: '', failure: null, sessionId: null, demo: false }
const session = { state: 'running', reason: null, host: null } as unknown as NonNullable<TaskAgent['session']>
const agent = (change: Partial<TaskAgent> = {}): TaskAgent => ({ session, turn: null, queued: [], permissions: [], ...change })
const asks = (title: string) => ({ title }) as PermissionRequest

describe('what a task waits for', () => {
  test.each(taskStatuses)('%s says so in one sentence, with and without an agent', (status) => {
    for (const one of [null, agent()]) {
      const sentence = waitsFor({ ...subject, status }, one)
      expect(sentence).toMatch(/^[A-Z][^\n]{5,}$/)
    }
  })

  test.each([
    ['backlog', '', 'Waits to be started'],
    ['queued_planning', 'Waits behind #3 and #4', 'Waits behind #3 and #4'],
    ['queued_implementation', '', 'Waits for a place under the project’s limit'],
    ['planning', 'shell: npm test', 'shell: npm test'],
    ['implementing', '', 'The agent works'],
    ['spec_review', 'x', 'Waits for a review of the spec'],
    ['implementation_review', 'x', 'Waits for a review of the changes'],
    ['pull_request', '', 'Is being merged'],
    ['merged', 'x', 'Merged: nothing is left to do'],
    ['archived', 'x', 'Archived: restore it to go on'],
  ] as const)('%s with the activity %j says %j', (status, activity, sentence) => {
    expect(waitsFor({ ...subject, status, activity }, agent())).toBe(sentence)
  })

  test('a person who is asked comes before all that the agent does', () => {
    const task = { ...subject, status: 'implementing' as const, activity: 'shell: npm test' }
    expect(waitsFor(task, agent({ permissions: [asks('rm -rf build\nreally')] }))).toBe('Waits for your permission: rm -rf build')
    expect(waitsFor(task, agent({ permissions: [asks('one'), asks('two')] }))).toBe('Waits for your permission: one and 1 more')
  })

  test('a session that cannot work yet says why', () => {
    const task = { ...subject, status: 'planning' as const, activity: 'Planning' }
    const of = (change: object) => waitsFor(task, agent({ session: { ...session, ...change } }))
    expect(of({ state: 'queued', reason: 'No sandbox host is online' })).toBe('No sandbox host is online')
    expect(of({ state: 'starting', host: { id: 'h', name: 'ant' } })).toBe('Its sandbox starts on ant')
    expect(of({ state: 'lost' })).toBe('Its sandbox is lost: it is started again')
    expect(of({ state: 'idle' })).toBe('Planning')
  })

  test('a failure says what happened', () => {
    const failure = { code: 'no_spec', message: 'The agent wrote no spec.' }
    expect(waitsFor({ ...subject, status: 'failed', failure }, null)).toBe('The agent wrote no spec.')
  })
})
