import { randomUUID } from 'node:crypto'
import { listAudit } from '@helix/contract/audit'
import { createApiKey } from '@helix/contract/identity'
import type { TaskId } from '@helix/contract/ids'
import { loadTask, openSession, preparePrompt, recordStep } from '@helix/contract/internal'
import { createProject, listProjects, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import type { TaskStatus } from '@helix/contract/task-status'
import { getTimeline } from '@helix/contract/task-work'
import { createTask, getBoard, getTask, listTasks } from '@helix/contract/tasks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let person: Person
let project: Project
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
  const repository = await person.call(createRepository, { body: { name: 'sample', source: { kind: 'sample' } } })
  project = await person.call(createProject, { body: { name: 'Sample', repositoryIds: [repository.id] } })
})
afterAll(() => server[Symbol.asyncDispose]())

const create = (prompt = 'Add a thing', start = false) =>
  person.call(createTask, { params: { projectId: project.id }, body: { prompt, start } })

function step(taskId: TaskId, number: number, from: TaskStatus, to: TaskStatus, extra: object = {}) {
  const body = {
    key: randomUUID(),
    step: number,
    from,
    to,
    cause: 'test',
    reason: null,
    actorId: null,
    failure: null,
    failedFrom: null,
    activity: to,
  }
  const none = { expectSpecCommit: null, expectBranchCommit: null, review: null, mergedCommit: null }
  return server.worker(recordStep, { params: { taskId }, body: { ...body, ...none, ...extra } })
}

describe('creation', () => {
  test('a hundred tasks created at once are numbered without gaps or doubles', async () => {
    const fresh = await person.call(createProject, {
      body: { name: 'Hundred', repositoryIds: [project.repositories[0]?.id ?? ('' as never)] },
    })
    const made = await Promise.all(
      Array.from({ length: 100 }, () =>
        person.call(createTask, { params: { projectId: fresh.id }, body: { prompt: 'One of many', start: false } }),
      ),
    )
    expect(made.map((task) => task.number).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    expect((await person.call(listTasks, { params: { projectId: fresh.id }, query: { limit: 200 } })).items).toHaveLength(100)
  })

  test('a task is found by words of its title in any order and case, or by its number', async () => {
    const fresh = await person.call(createProject, {
      body: { name: 'Found', repositoryIds: [project.repositories[0]?.id ?? ('' as never)] },
    })
    const params = { projectId: fresh.id }
    for (const prompt of ['Fix the slow search', 'Show 100% of the price', 'Export 1 order'])
      await person.call(createTask, { params, body: { prompt, start: false } })
    const found = async (find: string): Promise<string[]> =>
      (await person.call(listTasks, { params, query: { find } })).items.map(({ title }) => title)
    expect(await found('SEARCH slow')).toEqual(['Fix the slow search'])
    expect(await found('100%')).toEqual(['Show 100% of the price'])
    expect(await found('%')).toEqual(['Show 100% of the price'])
    expect(await found('#1')).toEqual(['Fix the slow search'])
    expect(await found('1 order')).toEqual(['Export 1 order'])
    expect(await found('slow price')).toEqual([])
  })

  test('the same Idempotency-Key makes one task, and another request with it is refused', async () => {
    const key = randomUUID()
    const send = (prompt: string) =>
      person.call(createTask, { params: { projectId: project.id }, body: { prompt, start: false }, idempotencyKey: key })
    const first = await send('Once')
    expect((await send('Once')).id).toBe(first.id)
    await expect(send('Twice')).rejects.toMatchObject({ code: 'idempotency_mismatch' })
    const { items } = await person.call(listAudit, { query: { action: 'createTask' } })
    expect(items.filter(({ target }) => target?.id === first.id)).toHaveLength(1)
  })

  test('an answer kept for a repetition tells no secret to who reads the database', async () => {
    const ask = { body: { name: 'ci' }, idempotencyKey: randomUUID() }
    const { secret } = await person.call(createApiKey, ask)
    expect((await person.call(createApiKey, ask)).secret).toBe(secret)
    const rows = await server.context.db('idempotency_keys').where({ key: ask.idempotencyKey })
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain(secret)
  })

  test('a base branch that does not exist is refused by name', async () => {
    const sent = person.call(createTask, { params: { projectId: project.id }, body: { prompt: 'x', baseBranch: 'nowhere' } })
    await expect(sent).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('baseBranch') })
  })

  test.each([
    ['NUL', 'a\u0000b'],
    ['a lone surrogate', 'a\ud800b'],
  ])('%s in a prompt is refused and names the field', async (_, prompt) => {
    await expect(create(prompt)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('prompt') })
  })

  test('a prompt of 10 MB is too large', async () => {
    await expect(create('x'.repeat(10_000_000))).rejects.toMatchObject({ code: 'too_large' })
  })

  test('a title of signs only still gets folder and branch', async () => {
    const task = await person.call(createTask, { params: { projectId: project.id }, body: { prompt: '???', title: '…', start: false } })
    expect(task.branch).toMatch(/^feature\/\d{6}-task$/)
    expect(task.specFolder).toMatch(/^design\/tasks\/\d{6}_task$/)
  })
})

describe('a stranger', () => {
  test('of another organisation finds nothing', async () => {
    const task = await create()
    const stranger = await server.addPerson()
    await expect(stranger.call(getTask, { params: { taskId: task.id } })).rejects.toMatchObject({ code: 'not_found' })
    await expect(stranger.call(getBoard, { params: { projectId: project.id } })).rejects.toMatchObject({ code: 'not_found' })
    expect((await stranger.call(listProjects, {})).items).toEqual([])
  })
})

describe('steps', () => {
  test('of two writes of one step, one lands and the other is late', async () => {
    const task = await create()
    const outcomes = await Promise.all([step(task.id, 1, 'backlog', 'queued_planning'), step(task.id, 1, 'backlog', 'archived')])
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['late', 'written'])
    const { steps } = await person.call(getTimeline, { params: { taskId: task.id } })
    expect(steps).toHaveLength(1)
  })

  test('the same write again finds itself', async () => {
    const task = await create()
    const key = randomUUID()
    expect(await step(task.id, 1, 'backlog', 'queued_planning', { key })).toEqual({ outcome: 'written', reason: null })
    expect(await step(task.id, 1, 'backlog', 'queued_planning', { key })).toEqual({ outcome: 'written', reason: null })
    expect((await server.worker(loadTask, { params: { taskId: task.id } })).step).toBe(1)
  })

  test('an approval of a spec that is not there is outdated and changes nothing', async () => {
    const task = await create()
    const approval = { expectSpecCommit: 'a'.repeat(40) }
    expect(await step(task.id, 1, 'backlog', 'queued_implementation', approval)).toMatchObject({ outcome: 'revision_outdated' })
    expect((await person.call(getTask, { params: { taskId: task.id } })).status).toBe('backlog')
  })

  test('people’s keys do not open what workers use', async () => {
    const task = await create()
    await expect(person.call(loadTask, { params: { taskId: task.id } })).rejects.toMatchObject({ code: 'not_signed_in' })
  })
})

test('a prompt is prepared once per key, and names folder and branch as data', async () => {
  const task = await create()
  await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })
  const prepare = () => server.worker(preparePrompt, { params: { taskId: task.id }, body: { key: 'same', kind: 'plan', note: null } })
  const [first, second] = await Promise.all([prepare(), prepare()])
  expect(second.promptId).toBe(first.promptId)
  const row = await server.context.db('prompts').where({ id: first.promptId }).first('text')
  expect(row.text).toContain(`spec-folder: ${task.specFolder}\n`)
  expect(row.text).toContain(`branch: ${task.branch}\n`)
})
