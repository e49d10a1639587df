import { updateProject } from '@helix/contract/projects'
import { getBoard } from '@helix/contract/tasks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addProject, addTask } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { appendEvent, readEvents } from './store.ts'

let server: TestServer
let person: Person
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())

interface Received {
  id: number
  type: string
  data: { taskId?: string }
}

/** Reads a stream until it has given `count` events. */
async function listen(who: Person, after: string | null, count: number): Promise<Received[]> {
  const headers = { authorization: `Bearer ${who.apiKey}`, ...(after === null ? {} : { 'last-event-id': after }) }
  const stop = new AbortController()
  const response = await fetch(`${server.url}/api/v1/events`, { headers, signal: stop.signal })
  const events: Received[] = []
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const match = /^id: (\d+)\nevent: (\S+)\ndata: (.*)$/.exec(block)
      if (match) events.push({ id: Number(match[1]), type: match[2] ?? '', data: JSON.parse(match[3] ?? '') })
    }
    if (events.length >= count) break
  }
  stop.abort()
  return events
}

test('who comes back with the last number it saw misses nothing and gets nothing twice', async () => {
  const project = await addProject(person)
  const { lastEventId } = await person.call(getBoard, { params: { projectId: project.id } })
  const tasks = []
  for (let count = 0; count < 6; count++) tasks.push(await addTask(person, project))
  const first = await listen(person, lastEventId, 2)
  const rest = await listen(person, String(first[1]?.id), 4)
  const created = [...first.slice(0, 2), ...rest].filter(({ type }) => type === 'task.created')
  expect(created.map(({ data }) => data.taskId)).toEqual(tasks.map(({ id }) => id))
})

test('a stream that is open hears of a change at once', async () => {
  const project = await addProject(person)
  const heard = listen(person, null, 1)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await person.call(updateProject, { params: { projectId: project.id }, body: { name: 'Heard' } })
  expect((await heard)[0]).toMatchObject({ type: 'project.changed' })
})

test('another organisation hears nothing of it', async () => {
  const stranger = await server.addPerson()
  await addTask(person, await addProject(person))
  const project = await addProject(stranger)
  const own = await listen(stranger, '0', 1)
  expect(JSON.stringify(own)).toContain(project.repositories[0]?.id)
  const theirs = await readEvents(server.context.db, stranger.orgId, 0, 1000)
  expect(theirs.every(({ event }) => !('taskId' in event))).toBe(true)
})

test('the log is in the order of its numbers, also when many write at once', async () => {
  const { db } = server.context
  const write = (index: number) =>
    db.transaction((trx) =>
      appendEvent(trx, person.orgId, { type: 'host.changed', hostId: `hst_${String(index).padStart(26, '0')}` as never }),
    )
  const before = (await readEvents(db, person.orgId, 0, 10_000)).length
  await Promise.all(Array.from({ length: 40 }, (_, index) => write(index)))
  const ids = (await readEvents(db, person.orgId, 0, 10_000)).map(({ id }) => id)
  expect(ids).toHaveLength(before + 40)
  expect(ids).toEqual(ids.toSorted((a, b) => a - b))
})

test('a stranger gets no stream, and a number that no stream gave is refused', async () => {
  expect((await fetch(`${server.url}/api/v1/events`)).status).toBe(401)
  const headers = { authorization: `Bearer ${person.apiKey}`, 'last-event-id': 'yesterday' }
  expect((await fetch(`${server.url}/api/v1/events`, { headers })).status).toBe(400)
})
