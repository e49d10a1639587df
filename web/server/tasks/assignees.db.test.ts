import { setProjectMember, setProjectVisibility } from '@helix/contract/access'
import { bulkTasks, cloneTask } from '@helix/contract/bulk'
import type { UserId } from '@helix/contract/ids'
import { createTeam } from '@helix/contract/organisations'
import type { Project } from '@helix/contract/projects'
import { getBoard, type Task, updateTask } from '@helix/contract/tasks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { addProject, addTask } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let owner: Person
let project: Project
let ada: UserId
beforeAll(async () => {
  server = await openTestServer()
  owner = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  project = await addProject(owner)
  ada = await addMember('Ada Lovelace')
})

async function addMember(name: string): Promise<UserId> {
  const { db, newId } = server.context
  const id = newId('user')
  await db('users').insert({ id, email: `${id}@example.com`, name })
  await db('memberships').insert({ org_id: owner.orgId, user_id: id, role: 'member' })
  return id
}
const hide = (of: Project) => owner.call(setProjectVisibility, { params: { projectId: of.id }, body: { visibility: 'private' } })
const assign = (task: Task, assigneeIds: UserId[]) =>
  owner.call(updateTask, { params: { taskId: task.id }, body: { expectedVersion: task.version, assigneeIds } })
const assigned = async () =>
  (await owner.call(getBoard, { params: { projectId: project.id } })).cards.map(({ assignees }) =>
    assignees.map(({ name, lostAccess }) => (lostAccess ? `${name} (lost)` : name)),
  )
const refusal = { code: 'invalid_request', message: 'assigneeIds: Ada Lovelace may not see this project: give them access first' }

test('who may not see a project is not assigned there, by no way in, and the answer names them', async () => {
  const task = await addTask(owner, project)
  await hide(project)
  await expect(assign(task, [owner.userId, ada])).rejects.toMatchObject(refusal)
  await expect(addTask(owner, project, { assigneeIds: [ada] })).rejects.toMatchObject(refusal)
  const change = { action: 'assign' as const, userId: ada }
  const { results } = await owner.call(bulkTasks, { params: { projectId: project.id }, body: { taskIds: [task.id], change } })
  expect(results[0]?.error).toMatchObject(refusal)
  expect(await assigned()).toEqual([[]])
  await owner.call(setProjectMember, { params: { projectId: project.id, granteeId: ada }, body: { role: 'viewer' } })
  await assign(task, [ada])
  expect(await assigned()).toEqual([['Ada Lovelace']])
})

test('a team’s grant lets its people be assigned, and who is of another organisation has no name here', async () => {
  const task = await addTask(owner, project)
  await hide(project)
  const team = await owner.call(createTeam, { body: { name: `Team ${project.id}`, memberIds: [ada] } })
  await owner.call(setProjectMember, { params: { projectId: project.id, granteeId: team.id }, body: { role: 'member' } })
  await assign(task, [ada])
  expect(await assigned()).toEqual([['Ada Lovelace']])
  const stranger = await server.addPerson()
  await expect(addTask(owner, project, { assigneeIds: [stranger.userId] })).rejects.toMatchObject({
    message: 'assigneeIds: nobody of this organisation',
  })
})

test('an assignee whose access is withdrawn is shown as such, stays through other edits, and does not come back once taken off', async () => {
  const task = await addTask(owner, project, { assigneeIds: [ada] })
  expect(await assigned()).toEqual([['Ada Lovelace']])
  await hide(project)
  expect(await assigned()).toEqual([['Ada Lovelace (lost)']])
  const kept = await assign(task, [ada, owner.userId])
  expect(kept.assignees.map(({ lostAccess }) => lostAccess)).toEqual([true, false])
  const without = await assign(kept, [owner.userId])
  await expect(assign(without, [ada, owner.userId])).rejects.toMatchObject(refusal)
  await server.context.db('memberships').where({ org_id: owner.orgId, user_id: ada }).update({ deactivated_at: new Date() })
  await expect(assign(without, [ada])).rejects.toMatchObject({ message: 'assigneeIds: Ada Lovelace is deactivated' })
})

test('a copy takes along the assignees who see the other project, and says who does not', async () => {
  const other = await addProject(owner)
  await hide(other)
  const task = await addTask(owner, project, { assigneeIds: [ada, owner.userId] })
  const body = { projectIds: [other.id, project.id] }
  const { items, notes } = await owner.call(cloneTask, { params: { taskId: task.id }, body })
  expect(items.map(({ assignees }) => assignees.map(({ name }) => name))).toEqual([['Test Person'], ['Ada Lovelace', 'Test Person']])
  expect(notes).toEqual([`Ada Lovelace may not see ${other.name} and is not assigned there.`])
})
