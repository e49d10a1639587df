import { createClient } from '@helix/contract/client'
import { getOnboarding, updateOnboarding } from '@helix/contract/onboarding'
import { getSystem } from '@helix/contract/system'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../context.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject, addTask } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let owner: Person
beforeAll(async () => {
  server = await openTestServer()
  owner = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())

async function viewer() {
  const userId = newId('user')
  const { db } = server.context
  await db('users').insert({ id: userId, email: `${userId}@example.com`, name: 'Viewer' })
  await db('memberships').insert({ org_id: owner.orgId, user_id: userId, role: 'viewer' })
  const { secret } = await new IdentityStore(db).createApiKey(owner.orgId, userId, 'viewer')
  return createClient({ baseUrl: server.url, token: secret })
}

test('an empty organisation has everything before it, and says who may do it', async () => {
  const steps = await owner.call(getOnboarding, {})
  expect(steps).toMatchObject({
    complete: false,
    dismissed: false,
    administrators: ['Test Person'],
    repository: null,
    project: null,
    task: null,
  })
  expect(steps.inference).toMatchObject({ demo: true, providers: [] })
  expect(steps.hosts).toMatchObject({ known: 0, online: 0, lastSeenAt: null })
  expect(await owner.call(getSystem, {})).toMatchObject({ gettingStarted: true, runsInstallation: false })
})

test('steps follow what happens, hidden projects are not told of, and the first merged task ends them', async () => {
  const project = await addProject(owner)
  const task = await addTask(owner, project)
  const { db } = server.context
  const see = await viewer()
  const steps = await see(getOnboarding, {})
  expect(steps).toMatchObject({ repository: { name: project.repositories[0]?.name }, project: { id: project.id }, task: { id: task.id } })
  await db('projects').where({ id: project.id }).update({ visibility: 'private' })
  expect(await see(getOnboarding, {})).toMatchObject({ repository: null, project: null, task: null })
  await db('spec_tasks').where({ id: task.id }).update({ status: 'merged' })
  expect(await owner.call(getOnboarding, {})).toMatchObject({ complete: true, task: { id: task.id, status: 'merged' } })
  expect(await owner.call(getSystem, {})).toMatchObject({ gettingStarted: false })
})

test('an administrator puts the steps away for everybody, and brings them back', async () => {
  await server.context.db('spec_tasks').update({ status: 'backlog' })
  const see = await viewer()
  await owner.call(updateOnboarding, { body: { dismissed: true } })
  expect([(await see(getOnboarding, {})).dismissed, (await see(getSystem, {})).gettingStarted]).toEqual([true, false])
  await expect(see(updateOnboarding, { body: { dismissed: false } })).rejects.toMatchObject({ code: 'forbidden' })
  await owner.call(updateOnboarding, { body: { dismissed: false } })
  expect((await see(getSystem, {})).gettingStarted).toBe(true)
})
