import type { HelixEvent } from '@helix/contract/events'
import { claimSlot } from '@helix/contract/internal'
import type { Project } from '@helix/contract/projects'
import { addDependency, getBoard, removeDependency, type Task } from '@helix/contract/tasks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { addProject, addTask, writeStep } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let person: Person
let project: Project
/** Of another project than what depends on it. */
let needed: Task
let dependent: Task
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  project = await addProject(person)
  needed = await addTask(person, await addProject(person))
  dependent = await addTask(person, project, { dependsOnIds: [needed.id] })
})

const queue = (task: Task) => writeStep(server, task.id, 1, 'backlog', 'queued_planning')
const claim = ({ id }: Task) => server.worker(claimSlot, { params: { taskId: id }, body: { phase: 'planning', force: false } })
const blockers = async (): Promise<number[] | undefined> =>
  (await person.call(getBoard, { params: { projectId: project.id } })).cards.find(({ id }) => id === dependent.id)?.blockedBy

/** What browsers are told of a task, and whether its workflow is woken, by what `work` does. */
async function follows(task: Task, work: () => Promise<unknown>): Promise<{ told: boolean; woken: boolean }> {
  const { db } = server.context
  await db('outbox').delete()
  const newest = await db('events').max('id as id').first()
  await work()
  const events: HelixEvent[] = (await db('events').where('id', '>', newest?.id)).map(({ payload }) => payload)
  const signals = (await db('outbox').where({ kind: 'signalTask' })).map(({ payload }) => payload)
  return {
    told: events.some((event) => event.type === 'task.changed' && event.taskId === task.id && event.projectId === task.projectId),
    woken: signals.some(({ taskId, signal }) => taskId === task.id && signal === 'slotFreed'),
  }
}

const mergedCommit = 'a'.repeat(40)
test('a merge in one project is told to the board of another, and wakes the task that waited there', async () => {
  await queue(dependent)
  expect(await blockers()).toEqual([needed.number])
  const done = await follows(dependent, () => writeStep(server, needed.id, 1, 'backlog', 'merged', { mergedCommit }))
  expect(done).toEqual({ told: true, woken: true })
  expect(await blockers()).toEqual([])
})

test('nobody waits for an archived task; brought back, it is waited for again, and both are told', async () => {
  await queue(dependent)
  expect((await claim(dependent)).claimed).toBe(false)
  const left = await follows(dependent, () => writeStep(server, needed.id, 1, 'backlog', 'archived'))
  expect(left).toEqual({ told: true, woken: true })
  expect(await blockers()).toEqual([])
  const back = await follows(dependent, () => writeStep(server, needed.id, 2, 'archived', 'backlog'))
  expect(back).toEqual({ told: true, woken: true })
  expect(await blockers()).toEqual([needed.number])
})

test('of several dependencies one that is merged changes what the waiting task says, though it waits on', async () => {
  const second = await addTask(person, project)
  await person.call(addDependency, { params: { taskId: dependent.id, dependsOnId: second.id } })
  await queue(dependent)
  const done = await follows(dependent, () => writeStep(server, needed.id, 1, 'backlog', 'merged', { mergedCommit }))
  expect(done).toEqual({ told: true, woken: true })
  expect((await claim(dependent)).reason).toBe(`Waits for #${second.number} to be merged`)
})

test('a dependency that is added or removed is told on both tasks, and wakes who is next in the queue', async () => {
  await server.context.db('projects').where({ id: project.id }).update({ planning_limit: 1 })
  const [first, behind] = [await addTask(person, project), await addTask(person, project)]
  await queue(first)
  await queue(behind)
  expect((await claim(behind)).reason).toContain(`Waits behind #${first.number}`)
  const params = { taskId: first.id, dependsOnId: needed.id }
  expect(await follows(behind, () => person.call(addDependency, { params }))).toEqual({ told: false, woken: true })
  expect((await claim(behind)).claimed).toBe(true)
  expect(await follows(first, () => person.call(removeDependency, { params }))).toEqual({ told: true, woken: true })
  expect((await follows(needed, () => person.call(addDependency, { params }))).told).toBe(true)
  expect((await follows(needed, () => person.call(removeDependency, { params }))).told).toBe(true)
})

test('a task that leaves the queue without taking its place wakes the one behind it', async () => {
  await server.context.db('projects').where({ id: project.id }).update({ planning_limit: 1 })
  const [first, behind] = [await addTask(person, project), await addTask(person, project)]
  await queue(first)
  await queue(behind)
  for (const to of ['backlog', 'archived', 'failed'] as const) {
    const step = (await server.context.db('spec_tasks').where({ id: first.id }).first('step')).step
    expect((await claim(behind)).reason).toContain(`Waits behind #${first.number}`)
    expect((await follows(behind, () => writeStep(server, first.id, step + 1, 'queued_planning', to))).woken).toBe(true)
    await writeStep(server, first.id, step + 2, to, 'queued_planning')
    await server.context
      .db('spec_tasks')
      .where({ id: first.id })
      .update({ queued_at: new Date(0) })
  }
})
