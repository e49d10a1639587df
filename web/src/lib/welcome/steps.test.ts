import type { Onboarding } from '@helix/contract/onboarding'
import { expect, test } from 'vitest'
import { stepsOf } from './steps.ts'

const empty: Onboarding = {
  complete: false,
  dismissed: false,
  administrators: ['Ada', 'Grace'],
  runsInstallation: true,
  inference: { demo: true, providers: [], checks: null },
  hosts: { known: 0, online: 0, name: null, lastSeenAt: null, problem: null },
  repository: null,
  project: null,
  task: null,
}
const check = {
  name: 'api.example.com',
  dialect: 'openai' as const,
  model: 'a-model',
  ok: true,
  problem: null,
  fix: null,
  detail: null,
  durationMs: 120,
  checkedAt: '2026-01-01T00:00:00.000Z',
}
const of = (steps: Onboarding, key: string, role: Parameters<typeof stepsOf>[1] = 'owner') =>
  stepsOf(steps, role).find((one) => one.key === key)

test('every step says what is wrong and has one way on', () => {
  expect(stepsOf(empty, 'owner').map(({ state }) => state)).toEqual(['wrong', 'wrong', 'wrong', 'waits'])
  expect(of(empty, 'model')).toMatchObject({ fix: expect.stringContaining('OPENAI_API_KEY'), command: expect.any(String) })
  expect(of(empty, 'repository')).toMatchObject({ action: { href: '/projects/new' } })
  expect(of(empty, 'host')).toMatchObject({ fix: expect.stringContaining('npm start') })
})

test('who may not do it is told who can', () => {
  const seen = { ...empty, runsInstallation: false }
  expect(of(seen, 'repository', 'viewer')).toMatchObject({ refusal: 'You need admin in this organisation for it. Ask Ada or Grace.' })
  expect(of(seen, 'repository', 'viewer')?.action).toBeUndefined()
  expect(of(seen, 'model', 'viewer')?.refusal).toBe('Whoever runs this installation can do it.')
  const project = { id: 'prj_1', name: 'Shop' } as Onboarding['project']
  expect(of({ ...seen, project }, 'task', 'viewer')).toMatchObject({ refusal: expect.stringContaining('member') })
})

test('a provider counts as there once it answered, and one of two that fails is named', () => {
  const inference = { demo: false, providers: [], checks: null }
  expect(of({ ...empty, inference }, 'model')?.state).toBe('checking')
  expect(of({ ...empty, inference: { ...inference, checks: [check] } }, 'model')).toMatchObject({
    state: 'done',
    text: expect.stringContaining('120 ms'),
  })
  const bad = { ...check, ok: false, problem: 'It refuses the key.', fix: 'Set it.', detail: 'HTTP 401' }
  expect(of({ ...empty, inference: { ...inference, checks: [check, bad] } }, 'model')).toMatchObject({
    state: 'wrong',
    text: 'It refuses the key.',
    detail: 'HTTP 401',
    action: { test: true },
  })
})

test('a host that is gone says since when, one that is ill says why', () => {
  const gone = { known: 1, online: 0, name: 'box', lastSeenAt: '2026-01-01T00:00:00.000Z', problem: null }
  expect(of({ ...empty, hosts: gone }, 'host')).toMatchObject({
    state: 'wrong',
    at: gone.lastSeenAt,
    text: expect.stringContaining('offline'),
  })
  expect(of({ ...empty, hosts: { ...gone, problem: 'no image' } }, 'host')).toMatchObject({ text: expect.stringContaining('no image') })
  expect(of({ ...empty, hosts: { ...gone, online: 1 } }, 'host')).toMatchObject({ state: 'done', at: gone.lastSeenAt })
})

test('the task leads to where it waits for a person', () => {
  const task = {
    id: 'tsk_1',
    projectId: 'prj_1',
    number: 1,
    title: 'Greet',
    activity: 'Reads',
    problem: null,
    demo: false,
  } as never as Onboarding['task'] & object
  const at = (status: typeof task.status) => of({ ...empty, task: { ...task, status } }, 'task')
  expect(at('planning')).toMatchObject({ state: 'working', text: '#1 Greet: Reads' })
  expect(at('spec_review')).toMatchObject({ action: { href: '/tasks/tsk_1/spec' } })
  expect(at('implementation_review')).toMatchObject({ action: { href: '/tasks/tsk_1?tab=changes' } })
  expect(at('merged')?.state).toBe('done')
})
