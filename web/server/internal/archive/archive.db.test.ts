import { bulkTasks } from '@helix/contract/bulk'
import { claimSlot, loadTask, openSession, recordSession } from '@helix/contract/internal'
import { createLabel } from '@helix/contract/labels'
import type { Project } from '@helix/contract/projects'
import type { TaskStatus } from '@helix/contract/task-status'
import { getBoard, type Task } from '@helix/contract/tasks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestServer, type Person, type TestServer } from '../../testing/server.ts'
import { addProject, addTask, writeStep } from '../testing.ts'

let server: TestServer
let person: Person
let project: Project
let tasks: Task[]
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  project = await addProject(person)
  tasks = [await addTask(person, project), await addTask(person, project), await addTask(person, project)]
})

const at = (index: number): Task => tasks[index] as Task
const cards = async () => (await person.call(getBoard, { params: { projectId: project.id } })).cards.map(({ step: _, ...card }) => card)
const archive = ({ id }: Task, step: number, from: TaskStatus) => writeStep(server, id, step, from, 'archived', { cause: 'archive' })
const undo = ({ id }: Task, step: number, to: TaskStatus) =>
  writeStep(server, id, step, 'archived', to, { cause: 'undo_archive', failedFrom: to === 'failed' ? 'archived' : null })
const claim = ({ id }: Task) => server.worker(claimSlot, { params: { taskId: id }, body: { phase: 'planning', force: false } })

test('an archiving that is undone leaves the board as it was: column, order, labels, failure and words', async () => {
  const label = await person.call(createLabel, { params: { projectId: project.id }, body: { name: 'bug' } })
  const change = { action: 'add_label' as const, labelId: label.id }
  await person.call(bulkTasks, { params: { projectId: project.id }, body: { taskIds: tasks.map(({ id }) => id), change } })
  await writeStep(server, at(1).id, 1, 'backlog', 'queued_planning')
  const failure = { code: 'agent_failed', message: 'No credit' }
  await writeStep(server, at(1).id, 2, 'queued_planning', 'failed', { failure, failedFrom: 'queued_planning', activity: 'No credit' })
  await writeStep(server, at(2).id, 1, 'backlog', 'queued_planning')
  const before = await cards()
  await archive(at(1), 3, 'failed')
  await archive(at(0), 1, 'backlog')
  expect(await cards()).toHaveLength(1)
  await undo(at(0), 2, 'backlog')
  await undo(at(1), 4, 'failed')
  expect(await cards()).toEqual(before)
})

test('an undone task has its old place in the queue again, also one that worked', async () => {
  await server.context.db('projects').where({ id: project.id }).update({ planning_limit: 1 })
  for (const task of tasks) await writeStep(server, task.id, 1, 'backlog', 'queued_planning')
  await archive(at(1), 2, 'queued_planning')
  await undo(at(1), 3, 'queued_planning')
  expect((await claim(at(2))).reason).toContain('Waits behind #1 and #2')
  await writeStep(server, at(0).id, 2, 'queued_planning', 'planning')
  await archive(at(0), 3, 'planning')
  const snapshot = await server.worker(loadTask, { params: { taskId: at(0).id } })
  expect(snapshot.archivedFrom).toEqual({ status: 'planning', failedFrom: null })
  await undo(at(0), 4, 'queued_planning')
  expect((await claim(at(1))).reason).toContain('Waits behind #1')
  expect((await claim(at(0))).claimed).toBe(true)
})

test('one request archives many and another undoes it, and says of each that worked what is lost', async () => {
  await writeStep(server, at(0).id, 1, 'backlog', 'queued_planning')
  await writeStep(server, at(0).id, 2, 'queued_planning', 'planning')
  await archive(at(0), 3, 'planning')
  await archive(at(1), 1, 'backlog')
  const taskIds = [at(0).id, at(1).id]
  const { results } = await person.call(bulkTasks, {
    params: { projectId: project.id },
    body: { taskIds, change: { action: 'undo_archive' } },
  })
  expect(results.map(({ error }) => error)).toEqual([null, null])
  expect(results[0]?.note).toMatch(/^The agent of #1 was stopped: .+ are lost\.$/)
  expect(results[1]?.note).toBeNull()
  expect(server.context.recorded.requests.slice(-2).map(({ action }) => action)).toEqual(['undo_archive', 'undo_archive'])
})

test('what an archiving ended in the inbox is open again, as it was and without a second ping; a later restore opens nothing', async () => {
  const { db } = server.context
  await writeStep(server, at(0).id, 1, 'backlog', 'implementation_review')
  await db('inbox_items')
    .where({ task_id: at(0).id })
    .update({ announced_at: new Date(1) })
  const items = () => db('inbox_items').where({ task_id: at(0).id })
  const before = await items()
  await archive(at(0), 2, 'implementation_review')
  expect((await items())[0].done_reason).toBe('Archived')
  await undo(at(0), 3, 'implementation_review')
  expect(await items()).toEqual(before)
  await archive(at(0), 4, 'implementation_review')
  await writeStep(server, at(0).id, 5, 'archived', 'backlog', { cause: 'restore' })
  expect((await items()).every(({ done_at }) => done_at !== null)).toBe(true)
})

test('a session that was stopped with its task is ready for a new life when it has ended, and not before', async () => {
  const open = () => server.worker(openSession, { params: { taskId: at(0).id }, body: { key: 'k' } })
  const { sessionId, ready } = await open()
  expect(ready).toBe(true)
  const state = (to: 'running' | 'stopped') =>
    server.worker(recordSession, { params: { sessionId }, body: { epoch: 1, state: to, reason: null } })
  await state('running')
  expect((await open()).ready).toBe(false)
  await state('stopped')
  expect((await open()).ready).toBe(true)
  expect((await server.context.db('agent_sessions').where({ id: sessionId }).first('state')).state).toBe('queued')
})
