import type { TaskId } from '@helix/contract/ids'
import { claimSlot, releaseSlot } from '@helix/contract/internal'
import { type Project, updateProject } from '@helix/contract/projects'
import type { Task } from '@helix/contract/tasks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { addProject, addTask, writeStep } from './testing.ts'

let server: TestServer
let person: Person
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())

const claim = (task: { id: TaskId }, force = false, phase: 'planning' | 'implementing' = 'planning') =>
  server.worker(claimSlot, { params: { taskId: task.id }, body: { phase, force } })
const release = (task: Task) => server.worker(releaseSlot, { params: { taskId: task.id } })
const woken = async () =>
  (await server.context.db('outbox').where({ kind: 'signalTask' }).orderBy('id').select('payload')).map((row) => row.payload)

/** Tasks queued for planning one after the other. */
async function queue(project: Project, count: number): Promise<Task[]> {
  const tasks: Task[] = []
  for (let index = 0; index < count; index++) {
    const task = await addTask(person, project)
    await writeStep(server, task.id, 1, 'backlog', 'queued_planning')
    tasks.push(task)
  }
  return tasks
}

const at = <T>(items: T[], index: number): T => {
  const item = items[index]
  if (item === undefined) throw new Error(`there is no item ${index}`)
  return item
}

test('of ten that claim at once, the first three in the queue get the three places', async () => {
  const tasks = await queue(await addProject(person), 10)
  const answers = await Promise.all(tasks.toReversed().map((task) => claim(task)))
  expect(answers.toReversed().map(({ claimed }) => claimed)).toEqual([true, true, true, ...Array(7).fill(false)])
  expect((await claim(at(tasks, 3))).reason).toBe('Waits behind #1, #2, and #3: 3 of 3 planning places are taken')
  expect((await claim(at(tasks, 9))).reason).toBe('Waits behind #1, #2, #3, and 6 more: 3 of 3 planning places are taken')
})

test('a holder claims again for nothing, and a freed place goes to the next in the queue, who is told', async () => {
  const project = await addProject(person)
  const tasks = await queue(project, 3)
  await person.call(updateProject, { params: { projectId: project.id }, body: { planningLimit: 1 } })
  await server.context.db('outbox').delete()
  expect((await claim(at(tasks, 0))).claimed).toBe(true)
  expect((await claim(at(tasks, 0))).claimed).toBe(true)
  expect((await claim(at(tasks, 1))).reason).toBe('Waits behind #1: 1 of 1 planning place is taken')
  await release(at(tasks, 0))
  await release(at(tasks, 0))
  // Task 1 still queues in its row: it would be first again, until its workflow moves on.
  expect((await woken()).map(({ signal, taskId }) => [signal, taskId])).toEqual(tasks.map(({ id }) => ['slotFreed', id]))
  await server.context.db('outbox').delete()
  await writeStep(server, at(tasks, 0).id, 2, 'queued_planning', 'archived')
  expect((await woken()).map(({ taskId }) => taskId)).toEqual([at(tasks, 1).id, at(tasks, 2).id])
  expect((await claim(at(tasks, 2))).claimed).toBe(false)
  expect((await claim(at(tasks, 1))).claimed).toBe(true)
})

test('work that was under way goes over the limit by force', async () => {
  const project = await addProject(person)
  const [first, second] = await queue(project, 2)
  await person.call(updateProject, { params: { projectId: project.id }, body: { planningLimit: 1 } })
  expect((await claim(first as Task)).claimed).toBe(true)
  expect((await claim(second as Task, true)).claimed).toBe(true)
})

test('a task that does not queue any more gets no place', async () => {
  const task = await addTask(person, await addProject(person))
  expect(await claim(task)).toEqual({ claimed: false, reason: 'The task does not wait for a place any more' })
})

test('a higher limit wakes those who wait', async () => {
  const project = await addProject(person)
  const tasks = await queue(project, 4)
  for (const task of tasks) await claim(task)
  await server.context.db('outbox').delete()
  await person.call(updateProject, { params: { projectId: project.id }, body: { planningLimit: 4 } })
  expect((await woken()).map(({ signal, taskId }) => [signal, taskId])).toEqual([['slotFreed', at(tasks, 3).id]])
  expect((await claim(at(tasks, 3))).claimed).toBe(true)
})
