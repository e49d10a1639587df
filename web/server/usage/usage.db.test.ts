import { setProjectVisibility } from '@helix/contract/access'
import { createApiKey, listApiKeys } from '@helix/contract/identity'
import type { ProjectId, TaskId, UserId } from '@helix/contract/ids'
import type { Project } from '@helix/contract/projects'
import { createPlaygroundKey, getUsage, listTaskCalls } from '@helix/contract/usage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertCalls } from '../gateway/meter/store.ts'
import type { Metered } from '../gateway/ports/meter.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject, addTask } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { rangeOf } from './report.ts'

let server: TestServer
let person: Person
let project: Project
let projectId: ProjectId
let taskId: TaskId
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
  project = await addProject(person)
  projectId = project.id
  taskId = (await addTask(person, project)).id
})
afterAll(() => server?.[Symbol.asyncDispose]())

const today = '2026-03-10'
let nth = 0

async function record(
  values: Partial<Metered> & { day?: string; of?: ProjectId | null; task?: TaskId | null; user?: UserId | null },
): Promise<void> {
  const { day = today, of = projectId, task = taskId, user = null, ...rest } = values
  const scope = { orgId: person.orgId, projectId: of, taskId: task, sessionId: null, userId: user, keyPrefix: null }
  const counts = { input: 100, output: 10, cachedInput: 40, cacheWrite: 0, reasoning: 5, estimated: false }
  const call: Metered = {
    ...{
      scope,
      turn: null,
      operation: 'converse',
      dialect: 'chat',
      providerId: 'env:openai',
      provider: 'openai',
      asked: 'smart',
      model: 'm',
      counts,
    },
    ...{
      microUsd: 1000,
      status: 200,
      streamed: true,
      startedAt: Date.parse(`${day}T12:00:00Z`),
      firstByteMs: 50,
      durationMs: 900,
      attempts: 1,
    },
    ...{ requestId: `call-${nth++}`, ...rest },
  }
  await insertCalls(server.context.db, [call])
}

const ask = (who: Person, query: object) => who.call(getUsage, { query: { from: '2026-03-01', to: today, ...query } })

test('usage is summed by what is asked for, the dearest first, and each day is there', async () => {
  await record({ microUsd: 5000 })
  await record({ microUsd: 7000, model: 'dear', day: '2026-03-09' })
  await record({ microUsd: 0, status: 502, provider: 'other' })
  await record({ microUsd: 9000, day: '2026-02-20' })
  const by = await ask(person, { by: 'model' })
  expect(by.rows.map(({ name, microUsd, calls, failed }) => [name, microUsd, calls, failed])).toEqual([
    ['dear', 7000, 1, 0],
    ['m', 5000, 2, 1],
  ])
  expect(by.total).toMatchObject({
    calls: 3,
    failed: 1,
    inputTokens: 300,
    cachedTokens: 120,
    outputTokens: 30,
    reasoningTokens: 15,
    microUsd: 12_000,
  })
  expect(by.days).toHaveLength(10)
  expect(by.days.at(-2)).toEqual({ day: '2026-03-09', microUsd: 7000, calls: 1, parts: [7000, 0] })
  expect((await ask(person, { by: 'task' })).rows[0]).toMatchObject({ key: taskId, name: expect.stringMatching(/^#1 /) })
  expect((await ask(person, { by: 'day' })).rows.map(({ key, calls }) => [key, calls])).toEqual([
    ['2026-03-09', 1],
    [today, 2],
  ])
  expect((await ask(person, { by: 'project', model: 'dear' })).rows).toMatchObject([{ key: projectId, microUsd: 7000 }])
})

test('who sees only some projects is told only of them, and of their own calls', async () => {
  const { context } = server
  const userId = context.newId('user')
  await context.db('users').insert({ id: userId, email: `${userId}@example.com`, name: 'Member' })
  await context.db('memberships').insert({ org_id: person.orgId, user_id: userId, role: 'member' })
  const { secret } = await new IdentityStore(context.db).createApiKey(person.orgId, userId, 'test')
  const asked = async (path: string) => fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${secret}` } })
  const range = 'from=2026-01-01&to=2026-01-31&by=model'
  await record({ day: '2026-01-05', model: 'of the project' })
  await record({ day: '2026-01-05', model: 'own', of: null, task: null, user: userId })
  await record({ day: '2026-01-05', model: 'of another person', of: null, task: null, user: person.userId })
  const names = async () =>
    ((await (await asked(`/api/v1/usage?${range}`)).json()) as { rows: { name: string }[] }).rows.map(({ name }) => name).toSorted()
  expect(await names()).toEqual(['of the project', 'own'])
  await person.call(setProjectVisibility, { params: { projectId }, body: { visibility: 'private' } })
  expect(await names()).toEqual(['own'])
  expect(await (await asked(`/api/v1/usage.csv?${range}`)).text()).not.toContain('of the project')
  await person.call(setProjectVisibility, { params: { projectId }, body: { visibility: 'organisation' } })
  const stranger = await server.addPerson()
  expect(await stranger.call(getUsage, { query: { from: '2026-01-01', to: '2026-01-31' } })).toMatchObject({
    rows: [],
    total: { calls: 0 },
  })
})

test('an export is a table that spreadsheets take no formula from', async () => {
  await record({ day: '2026-04-01', model: '=HYPERLINK("x")' })
  const response = await fetch(`${server.url}/api/v1/usage.csv?by=model&from=2026-04-01&to=2026-04-01`, {
    headers: { authorization: `Bearer ${person.apiKey}` },
  })
  expect(response.headers.get('content-disposition')).toContain('usage-model-2026-04-01-2026-04-01.csv')
  expect(await response.text()).toBe(
    [
      'name,id,calls,failed,input_tokens,cached_tokens,output_tokens,reasoning_tokens,usd,estimated',
      `"'=HYPERLINK(""x"")","'=HYPERLINK(""x"")",1,0,100,40,10,5,0.001000,0`,
      '',
    ].join('\r\n'),
  )
})

test('calls of a task come newest first, page by page, with the sum of all', async () => {
  const task = (await addTask(person, project)).id
  for (let index = 0; index < 5; index++) await record({ task, model: `m${index}` })
  const first = await person.call(listTaskCalls, { params: { taskId: task }, query: { limit: 2 } })
  expect(first.items.map(({ model }) => model)).toEqual(['m4', 'm3'])
  expect(first.items[0]).toMatchObject({
    askedModel: 'smart',
    firstByteMs: 50,
    durationMs: 900,
    inputTokens: 100,
    cachedTokens: 40,
    microUsd: 1000,
  })
  expect(first.total).toMatchObject({ calls: 5, microUsd: 5000 })
  const second = await person.call(listTaskCalls, { params: { taskId: task }, query: { limit: 3, cursor: first.nextCursor as string } })
  expect(second).toMatchObject({ items: [{ model: 'm2' }, { model: 'm1' }, { model: 'm0' }], nextCursor: null })
  const stranger = await server.addPerson()
  await expect(stranger.call(listTaskCalls, { params: { taskId: task } })).rejects.toMatchObject({ code: 'not_found' })
})

test('a range that is none is refused by its field', () => {
  expect(rangeOf({}, Date.parse(`${today}T23:00:00Z`))).toEqual({ from: '2026-02-09', to: today })
  expect(() => rangeOf({ from: '2026-03-11', to: today })).toThrow(/from: is after/)
  expect(() => rangeOf({ from: '2020-01-01', to: today })).toThrow(/more than/)
})

test('the playground’s key asks models and nothing else, and there is one at a time', async () => {
  const first = await person.call(createPlaygroundKey, {})
  const second = await person.call(createPlaygroundKey, {})
  const use = (secret: string, path: string) => fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${secret}` } })
  expect((await use(second.secret, '/v1/models')).status).toBe(200)
  expect((await use(first.secret, '/v1/models')).status).toBe(401)
  expect((await use(second.secret, '/api/v1/usage')).status).toBe(403)
  expect(Date.parse(second.expiresAt) - Date.now()).toBeLessThan(16 * 60_000)
  await person.call(createApiKey, { body: { name: 'Playground' } })
  await person.call(createPlaygroundKey, {})
  expect((await person.call(listApiKeys, {})).items.map(({ name }) => name)).toEqual(['Playground', 'test'])
})
