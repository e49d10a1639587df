import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setProjectVisibility } from '@helix/contract/access'
import { addAttachment } from '@helix/contract/attachments'
import { bulkTasks, cloneTask } from '@helix/contract/bulk'
import { claimSlot, openSession } from '@helix/contract/internal'
import { createLabel } from '@helix/contract/labels'
import { archiveProject, deleteProject, type Project, restoreProject, updateProject } from '@helix/contract/projects'
import { addDependency, getBoard, getTask, removeDependency, type Task, updateTask } from '@helix/contract/tasks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addProject, addTask, writeStep } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let person: Person
let project: Project
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())

const failure = (promise: Promise<unknown>): Promise<{ code: string; message: string; details?: Record<string, unknown> }> =>
  promise.then(
    () => ({ code: 'done', message: '' }),
    (error) => error,
  )
const claim = ({ id }: Task) => server.worker(claimSlot, { params: { taskId: id }, body: { phase: 'planning', force: false } })
const queue = (task: Task) => writeStep(server, task.id, 1, 'backlog', 'queued_planning')
const board = async () => (await person.call(getBoard, { params: { projectId: project.id } })).cards

test('places go to the urgent first, however late it came', async () => {
  project = await addProject(person)
  const tasks = []
  for (const priority of ['normal', 'normal', 'normal', 'low', 'urgent'] as const) tasks.push(await addTask(person, project, { priority }))
  for (const task of tasks) await queue(task)
  const claimed = await Promise.all(tasks.map(async (task) => ((await claim(task)).claimed ? task.number : null)))
  expect(claimed.filter(Boolean)).toEqual([1, 2, 5])
  const third = tasks[2] as Task
  expect((await claim(third)).reason).toBe('Waits behind #1, #2, and #5: 3 of 3 planning places are taken')
})

test('a task waits for what it depends on, stands in nobody’s way, and is woken when that is merged', async () => {
  project = await addProject(person)
  const first = await addTask(person, project)
  const second = await addTask(person, project, { dependsOnIds: [first.id], priority: 'urgent' })
  await queue(second)
  expect(await claim(second)).toEqual({ claimed: false, reason: 'Waits for #1 to be merged' })
  expect((await board()).find(({ id }) => id === second.id)?.blockedBy).toEqual([1])
  await queue(first)
  expect((await claim(first)).claimed).toBe(true)
  await server.context.db('outbox').delete()
  await writeStep(server, first.id, 2, 'queued_planning', 'merged', { mergedCommit: 'a'.repeat(40) })
  const woken = await server.context.db('outbox').where({ kind: 'signalTask' })
  expect(woken.map(({ payload }) => payload)).toContainEqual(expect.objectContaining({ taskId: second.id, signal: 'slotFreed' }))
  expect((await claim(second)).claimed).toBe(true)
})

test('a card names its session while that has a machine', async () => {
  project = await addProject(person)
  const task = await addTask(person, project)
  const { db } = server.context
  const { sessionId } = await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })
  const live = async () => (await board()).map(({ liveSessionId }) => liveSessionId)
  expect(await live()).toEqual([null])
  await db('agent_sessions').where({ id: sessionId }).update({ state: 'running' })
  expect(await live()).toEqual([sessionId])
  await db('agent_sessions').where({ id: sessionId }).update({ state: 'suspended' })
  expect(await live()).toEqual([null])
})

test('nobody waits for a task of a deleted project, until that is restored', async () => {
  const [theirs, own] = [await addProject(person), await addProject(person)]
  project = own
  const first = await addTask(person, theirs)
  const second = await addTask(person, own, { dependsOnIds: [first.id] })
  await queue(second)
  expect((await claim(second)).claimed).toBe(false)
  const woken = async () => {
    const sent = await server.context.db('outbox').where({ kind: 'signalTask' }).delete().returning('payload')
    return sent.some(({ payload }) => payload.taskId === second.id)
  }
  await woken()
  await person.call(deleteProject, { params: { projectId: theirs.id }, body: { name: theirs.name } })
  expect(await woken()).toBe(true)
  await person.call(restoreProject, { params: { deletedProjectId: theirs.id } })
  expect(await woken()).toBe(true)
  expect((await claim(second)).claimed).toBe(false)
  await person.call(deleteProject, { params: { projectId: theirs.id }, body: { name: theirs.name } })
  expect((await claim(second)).claimed).toBe(true)
})

test('a circle of dependencies is refused with its tasks named, also when two halves of it come at once', async () => {
  project = await addProject(person)
  const [a, b, c] = [await addTask(person, project), await addTask(person, project), await addTask(person, project)]
  const link = (task: Task, on: Task) => person.call(addDependency, { params: { taskId: task.id, dependsOnId: on.id } })
  await link(a, b)
  await link(b, c)
  expect((await failure(link(c, a))).message).toBe('This would be a circle: #3 -> #1 -> #2 -> #3.')
  expect((await failure(link(a, a))).message).toBe('This would be a circle: #1 -> #1.')
  await person.call(removeDependency, { params: { taskId: b.id, dependsOnId: c.id } })
  const raced = await Promise.all([failure(link(c, a)), failure(link(b, c))])
  expect(raced.map(({ code }) => code).sort()).toEqual(['conflict', 'done'])
})

test('of two who edit one version the second is told who was first, and nothing of the first is lost', async () => {
  project = await addProject(person)
  const task = await addTask(person, project)
  const params = { taskId: task.id }
  const edits = await Promise.all(
    ['One', 'Two'].map((title) => failure(person.call(updateTask, { params, body: { expectedVersion: 1, title } }))),
  )
  expect(edits.map(({ code }) => code).sort()).toEqual(['conflict', 'done'])
  expect(edits.find(({ code }) => code === 'conflict')).toMatchObject({
    message: expect.stringContaining('Test Person'),
    details: { version: 2 },
  })
  await queue(task)
  const late = failure(person.call(updateTask, { params, body: { expectedVersion: 2, prompt: 'Something else' } }))
  expect(await late).toMatchObject({ code: 'conflict', message: expect.stringContaining('send a message') })
  // What was put back is asked for in other words.
  await writeStep(server, task.id, 2, 'queued_planning', 'backlog')
  const again = await person.call(updateTask, { params, body: { expectedVersion: 2, prompt: 'Something else' } })
  expect(again).toMatchObject({ prompt: 'Something else', version: 3 })
})

test('one thing is done to many tasks, and each that refuses says why', async () => {
  project = await addProject(person)
  const other = await addProject(person)
  const params = { projectId: project.id }
  const label = await person.call(createLabel, { params, body: { name: 'bug' } })
  const [one, two, foreign] = [await addTask(person, project), await addTask(person, project), await addTask(person, other)]
  const change = { action: 'add_label' as const, labelId: label.id }
  const { results } = await person.call(bulkTasks, { params, body: { taskIds: [one.id, two.id, foreign.id], change } })
  expect(results.map(({ error }) => error?.code ?? 'done')).toEqual(['done', 'done', 'not_found'])
  expect((await board()).map(({ labels }) => labels.map(({ name }) => name))).toEqual([['bug'], ['bug']])
  server.context.recorded.verdict = { accepted: false, status: 'backlog', code: 'transition_refused', reason: 'It cannot.' }
  const moved = await person.call(bulkTasks, { params, body: { taskIds: [one.id], change: { action: 'retry' } } })
  server.context.recorded.verdict = { accepted: true, status: 'queued_planning', code: null, reason: null }
  expect(moved.results[0]).toMatchObject({ number: 1, error: { code: 'transition_refused', message: 'It cannot.' } })
})

test('a task is copied to other projects with its prompt, its labels by name and its files', async () => {
  project = await addProject(person)
  const other = await addProject(person)
  const label = (projectId: Project['id'], name: string) => person.call(createLabel, { params: { projectId }, body: { name } })
  const [bug] = [await label(project.id, 'bug'), await label(other.id, 'Bug')]
  const file = await upload('notes.txt', Buffer.from('read me'))
  const task = await addTask(person, project, { labelIds: [bug.id], attachmentIds: [file.id], priority: 'high', prompt: 'Fix it\nall' })
  const { items } = await person.call(cloneTask, { params: { taskId: task.id }, body: { projectIds: [other.id, project.id] } })
  expect(items.map((one) => [one.projectId, one.number, one.status])).toEqual([
    [other.id, 1, 'backlog'],
    [project.id, 2, 'backlog'],
  ])
  expect(items[0]).toMatchObject({
    prompt: 'Fix it\nall',
    priority: 'high',
    labels: [{ name: 'Bug' }],
    attachments: [{ name: 'notes.txt' }],
  })
  const stranger = await server.addPerson()
  const theirs = await addProject(stranger)
  expect(await failure(person.call(cloneTask, { params: { taskId: task.id }, body: { projectIds: [theirs.id] } }))).toMatchObject({
    code: 'invalid_request',
  })
})

test('a task is copied to all projects that were named or to none, and the refusal names the one that takes no tasks', async () => {
  project = await addProject(person)
  const [first, archived] = [await addProject(person), await addProject(person)]
  await person.call(updateProject, { params: { projectId: archived.id }, body: { name: 'Old things' } })
  await person.call(archiveProject, { params: { projectId: archived.id } })
  const files = []
  for (let made = 0; made < 21; made++) files.push(await upload(`${made}.txt`, Buffer.from(String(made))))
  const task = await addTask(person, project, { attachmentIds: files.slice(0, 20).map(({ id }) => id) })
  await person.call(addAttachment, { params: { taskId: task.id, attachmentId: files[20]?.id as never } })
  const clone = (projectIds: Project['id'][]) => person.call(cloneTask, { params: { taskId: task.id }, body: { projectIds } })
  expect(await failure(clone([first.id, archived.id]))).toMatchObject({ code: 'conflict', message: expect.stringContaining('Old things') })
  expect((await person.call(getBoard, { params: { projectId: first.id } })).cards).toEqual([])
  expect((await clone([first.id])).items[0]?.attachments).toHaveLength(21)
})

test('a project that starts its backlog by itself fills its places by priority, and leaves alone what was put back', async () => {
  project = await addProject(person)
  await server.context.db('projects').where({ id: project.id }).update({ auto_start: true, planning_limit: 1 })
  await server.context.db('outbox').delete()
  const low = await addTask(person, project, { priority: 'low' })
  // A request that is sent again has the id of the first and is one.
  const asked = async () => {
    const sent = (await server.context.db('outbox').where({ kind: 'startTask' }).orderBy('id')).map(({ payload }) => payload)
    return [...new Set(sent.filter(({ request }) => request !== undefined).map(({ taskId, request }) => `${taskId} ${request.id}`))]
  }
  const auto = ({ id }: Task) => `${id} auto/${id}`
  expect(await asked()).toEqual([auto(low)])
  await queue(low)
  const [high, normal] = [await addTask(person, project, { priority: 'high' }), await addTask(person, project)]
  expect(await asked()).toEqual([auto(low)])
  await writeStep(server, low.id, 2, 'queued_planning', 'backlog')
  await person.call(updateTask, { params: { taskId: normal.id }, body: { expectedVersion: 1, priority: 'low' } })
  expect(await asked()).toEqual([auto(low), auto(high)])
})

async function upload(name: string, content: Buffer, type = 'image/png'): Promise<{ id: never; type: string; url: string }> {
  const response = await fetch(`${server.url}/api/v1/projects/${project.id}/attachments`, {
    method: 'POST',
    headers: { authorization: `Bearer ${person.apiKey}`, 'x-file-name': encodeURIComponent(name), 'content-type': type },
    body: new Uint8Array(content),
  })
  const answer = (await response.json()) as { error?: { code: string } } & { id: never; type: string; url: string }
  if (!response.ok) throw new Error(answer.error?.code)
  return answer
}

test('a file is what its bytes say, and nothing that a browser would run is shown as such', async () => {
  project = await addProject(person)
  const png = Buffer.alloc(64)
  png.write('\x89PNG\r\n\x1a\n', 'latin1')
  png.writeUInt32BE(100, 16)
  png.writeUInt32BE(100, 20)
  expect((await upload('a.html', png)).type).toBe('image/png')
  const svg = await upload('picture.png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'))
  expect(svg.type).toBe('application/octet-stream')
  expect((await upload('x.txt', Buffer.from('\ufeff  <!DOCTYPE html><script>1</script>'), 'text/plain')).type).toBe(
    'application/octet-stream',
  )
  expect((await upload('a.txt', Buffer.from('just words'))).type).toBe('text/plain')
  const answer = await fetch(`${server.url}${svg.url}`, { headers: { authorization: `Bearer ${person.apiKey}` } })
  expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
  expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  png.writeUInt32BE(100_000, 16)
  png.writeUInt32BE(100_000, 20)
  await expect(upload('bomb.png', png)).rejects.toThrow('too_large')
  await expect(upload('big.bin', Buffer.alloc(25 * 1024 * 1024 + 1, 1))).rejects.toThrow('too_large')
  await expect(upload('', Buffer.from('x'))).rejects.toThrow('invalid_request')
})

test('what is refused leaves no bytes behind', async () => {
  project = await addProject(person)
  const folder = join(server.context.config.HELIX_DATA_DIR, 'attachments', person.orgId)
  const kept = () => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).length
  await upload('a.txt', Buffer.from('kept'))
  const before = kept()
  const png = Buffer.alloc(64)
  png.write('\x89PNG\r\n\x1a\n', 'latin1')
  png.writeUInt32BE(100_000, 16)
  png.writeUInt32BE(100_000, 20)
  await expect(upload('bomb.png', png)).rejects.toThrow('too_large')
  await expect(upload('empty.txt', Buffer.alloc(0))).rejects.toThrow('invalid_request')
  expect(kept()).toBe(before)
})

test('an attachment is read by who sees the project, and by nobody else', async () => {
  project = await addProject(person)
  const file = await upload('a.txt', Buffer.from('words'))
  const task = await addTask(person, project, { attachmentIds: [file.id] })
  expect((await person.call(getTask, { params: { taskId: task.id } })).attachments).toMatchObject([{ name: 'a.txt', size: 5 }])
  const stranger = await server.addPerson()
  const get = (token: string) => fetch(`${server.url}${file.url}`, { headers: { authorization: `Bearer ${token}` } })
  expect(await (await get(person.apiKey)).text()).toBe('words')
  expect((await get(stranger.apiKey)).status).toBe(404)
  expect((await fetch(`${server.url}${file.url}`)).status).toBe(401)
  await person.call(setProjectVisibility, { params: { projectId: project.id }, body: { visibility: 'private' } })
  expect((await get(person.apiKey)).status).toBe(200)
})
