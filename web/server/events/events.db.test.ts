import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setProjectMember, setProjectVisibility } from '@helix/contract/access'
import { createClient } from '@helix/contract/client'
import { listEvents } from '@helix/contract/events'
import { listApiKeys, revokeApiKey } from '@helix/contract/identity'
import type { OrgId } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'
import { updateProject } from '@helix/contract/projects'
import { getBoard } from '@helix/contract/tasks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AccessMap } from '../access/map.ts'
import { readAccess } from '../access/store.ts'
import { createApp } from '../app.ts'
import { newId } from '../context.ts'
import { Metrics } from '../http/metrics.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject, addTask } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { appendEvent, newestEventId, readEvents } from './store.ts'
import { StreamReader } from './testing.ts'
import { showsTo } from './viewers.ts'

let server: TestServer
let person: Person
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())

const listen = (who: Person, after: number | string | null = null): Promise<StreamReader> =>
  new StreamReader(server.url, who.apiKey, after).opened()

/** A person with this role in the organisation of another. */
async function addColleague(of: Person, role: Role): Promise<Person> {
  const userId = newId('user')
  await server.context.db('users').insert({ id: userId, email: `${userId}@example.com`, name: 'Colleague' })
  await server.context.db('memberships').insert({ org_id: of.orgId, user_id: userId, role })
  const { secret } = await new IdentityStore(server.context.db).createApiKey(of.orgId, userId, 'test')
  return { orgId: of.orgId, userId, apiKey: secret, call: createClient({ baseUrl: server.url, token: secret }) }
}

/** Another server over the same database, with the server's ends of its connections. */
async function secondServer(): Promise<{ url: string; sockets: Socket[]; stop(): Promise<void> }> {
  const streams = new AbortController()
  const second = createServer(await createApp({ ...server.context, streams }, new Metrics()))
  const sockets: Socket[] = []
  second.on('connection', (socket: Socket) => sockets.push(socket))
  await new Promise<void>((resolve) => second.listen(0, '127.0.0.1', resolve))
  const stop = async (): Promise<void> => {
    streams.abort()
    second.closeAllConnections()
    await new Promise((resolve) => second.close(resolve))
  }
  return { url: `http://127.0.0.1:${(second.address() as AddressInfo).port}`, sockets, stop }
}

const append = (orgId: OrgId, index: number): Promise<void> =>
  server.context.db
    .transaction((trx) => appendEvent(trx, orgId, { type: 'host.changed', hostId: `hst_${String(index).padStart(26, '0')}` as never }))
    .then(() => server.context.bus.wake(orgId))
const ids = (reader: StreamReader): number[] => reader.events.map(({ id }) => id)

test('who comes back with the last number it saw misses nothing and gets nothing twice', async () => {
  const project = await addProject(person)
  const { lastEventId } = await person.call(getBoard, { params: { projectId: project.id } })
  const tasks = []
  for (let count = 0; count < 6; count++) tasks.push(await addTask(person, project))
  const one = await listen(person, lastEventId)
  const first = await one.first(2)
  await one.close()
  const two = await listen(person, first[1]?.id ?? 0)
  const rest = await two.first(4)
  await two.close()
  const created = [...first, ...rest].filter(({ type }) => type === 'task.created')
  expect(created.map(({ data }) => data.taskId)).toEqual(tasks.map(({ id }) => id))
})

test('while many write at once, readers that come and go each get the whole log in its order', async () => {
  const { orgId, apiKey } = await server.addPerson()
  const total = 400
  const writing = (async () => {
    for (let index = 0; index < total; index += 20)
      await Promise.all(Array.from({ length: 20 }, (_, offset) => append(orgId, index + offset)))
  })()
  const reading = Array.from({ length: 5 }, async (_, seed) => {
    const seen: number[] = []
    while (seen.length < total) {
      const reader = new StreamReader(server.url, apiKey, seen.at(-1) ?? 0)
      await reader.first(Math.min(total - seen.length, 17 + seed * 13))
      await reader.close()
      seen.push(...ids(reader))
    }
    return seen
  })
  await writing
  const log = (await readEvents(server.context.db, orgId, 0, 10_000)).map(({ id }) => id)
  expect(log).toHaveLength(total)
  for (const seen of await Promise.all(reading)) expect(seen).toEqual(log)
})

test('across a restart of the server nothing is missed and nothing comes twice, also what was written meanwhile', async () => {
  const { orgId, apiKey } = await server.addPerson()
  const first = await secondServer()
  const before = await new StreamReader(first.url, apiKey).opened()
  await append(orgId, 1)
  await before.first(1)
  await first.stop()
  await before.until(() => before.ended)
  await append(orgId, 2)
  const next = await secondServer()
  const after = await new StreamReader(next.url, apiKey, before.last).opened()
  await after.first(1)
  await append(orgId, 3)
  await after.first(2)
  await after.close()
  await next.stop()
  const log = (await readEvents(server.context.db, orgId, 0, 10)).map(({ id }) => id)
  expect([...ids(before), ...ids(after)]).toEqual(log)
})

test('who was away for longer than is kept in memory catches up from the database and goes on from there', async () => {
  const { orgId, apiKey } = await server.addPerson()
  await append(orgId, 0)
  const idle = await new StreamReader(server.url, apiKey).opened()
  await server.context.db.raw(
    `insert into events (org_id, type, payload)
     select ?, 'host.changed', jsonb_build_object('type', 'host.changed', 'hostId', 'hst_' || lpad(n::text, 26, '0')) from generate_series(1, 3000) n`,
    [orgId],
  )
  server.context.bus.wake(orgId)
  await idle.first(3000)
  const late = await new StreamReader(server.url, apiKey, 0).opened()
  await late.first(3001)
  await append(orgId, 3001)
  const log = (await readEvents(server.context.db, orgId, 0, 10_000)).map(({ id }) => id)
  await Promise.all([idle.first(3001), late.first(3002)])
  await Promise.all([idle.close(), late.close()])
  expect(ids(late)).toEqual(log)
  expect(ids(idle)).toEqual(log.slice(1))
})

test('a stream that is open hears of a change at once', async () => {
  const project = await addProject(person)
  const reader = await listen(person)
  await person.call(updateProject, { params: { projectId: project.id }, body: { name: 'Heard' } })
  const [event] = await reader.first(1)
  await reader.close()
  expect(event).toMatchObject({ type: 'project.changed', data: { projectId: project.id } })
})

test('another organisation hears nothing of it', async () => {
  const stranger = await server.addPerson()
  const reader = await listen(stranger, '0')
  await addTask(person, await addProject(person))
  const project = await addProject(stranger)
  await reader.first(2)
  await reader.close()
  expect(reader.events.map(({ type }) => type)).toEqual(['repository.created', 'project.changed'])
  expect(JSON.stringify(reader.events)).toContain(project.repositories[0]?.id)
})

test('a private project is told only to who may see it, from the moment on that this changes', async () => {
  const owner = await server.addPerson()
  const member = await addColleague(owner, 'member')
  const project = await addProject(owner)
  const params = { projectId: project.id }
  await owner.call(setProjectVisibility, { params, body: { visibility: 'private' } })
  const [all, some] = [await listen(owner), await listen(member)]
  const hidden = await addTask(owner, project)
  await owner.call(setProjectMember, { params: { ...params, granteeId: member.userId }, body: { role: 'viewer' } })
  const shown = await addTask(owner, project)
  await some.until(() => some.events.some(({ data }) => data.taskId === shown.id))
  await all.until(() => all.events.some(({ data }) => data.taskId === shown.id))
  await Promise.all([all.close(), some.close()])
  const tasks = (reader: StreamReader) => reader.events.flatMap(({ type, data }) => (type === 'task.created' ? [data.taskId] : []))
  expect(tasks(all)).toEqual([hidden.id, shown.id])
  expect(tasks(some)).toEqual([shown.id])
  const page = await member.call(listEvents, { query: { after: '0' } })
  const stranger = await addColleague(owner, 'viewer')
  const theirs = await stranger.call(listEvents, { query: { after: '0' } })
  expect(JSON.stringify(page.events)).toContain(project.id)
  expect(JSON.stringify(theirs.events)).not.toContain(project.id)
  expect(JSON.stringify(theirs.events)).not.toContain(project.repositories[0]?.id)
})

test('what belongs to one person is told to that person alone', async () => {
  const owner = await server.addPerson()
  const member = await addColleague(owner, 'member')
  const project = await addProject(owner)
  const readers = await Promise.all([listen(owner), listen(member)])
  for (const userId of [member.userId, owner.userId, null]) {
    const event = { type: 'inbox.changed' as const, projectId: project.id, userId }
    await server.context.db.transaction((trx) => appendEvent(trx, owner.orgId, event))
  }
  server.context.bus.wake(owner.orgId)
  const heard = await Promise.all(readers.map((reader) => reader.first(2)))
  await Promise.all(readers.map((reader) => reader.close()))
  expect(heard.map((events) => events.map(({ data }) => data.userId))).toEqual([
    [owner.userId, null],
    [member.userId, null],
  ])
})

test('a key with a narrow scope hears of what it may read', async () => {
  const { orgId, userId } = await server.addPerson()
  const access = new AccessMap(await readAccess(server.context.db, orgId))
  const who = { userId, role: 'owner' as const, scopes: ['project:read'] }
  const projectId = newId('project')
  expect(showsTo(access, who, { type: 'project.changed', projectId })).toBe(true)
  expect(showsTo(access, who, { type: 'task.created', projectId, taskId: newId('task') })).toBe(false)
})

test('a project that was made private goes silent for who has no grant', async () => {
  const owner = await server.addPerson()
  const viewer = await addColleague(owner, 'viewer')
  const project = await addProject(owner)
  const reader = await listen(viewer)
  const shown = await addTask(owner, project)
  await owner.call(setProjectVisibility, { params: { projectId: project.id }, body: { visibility: 'private' } })
  await addTask(owner, project)
  const other = await addProject(owner)
  await reader.until(() => reader.events.some(({ data }) => data.projectId === other.id))
  await reader.close()
  expect(reader.events.flatMap(({ data }) => data.taskId ?? [])).toEqual([shown.id])
})

test('a revoked key loses its stream within seconds', async () => {
  const { call, apiKey } = await server.addPerson()
  const reader = await new StreamReader(server.url, apiKey).opened()
  const [key] = (await call(listApiKeys, {})).items
  if (key === undefined) throw new Error('no key')
  await call(revokeApiKey, { params: { apiKeyId: key.id } })
  await reader.until(() => false)
  expect(reader.ended).toBe(true)
  expect((await fetch(`${server.url}/api/v1/events`, { headers: { authorization: `Bearer ${apiKey}` } })).status).toBe(401)
})

test('who was removed from the organisation loses the stream when access is said to have changed', async () => {
  const owner = await server.addPerson()
  const member = await addColleague(owner, 'member')
  const reader = await listen(member)
  await server.context.db('memberships').where({ org_id: owner.orgId, user_id: member.userId }).delete()
  await server.context.db.transaction((trx) => appendEvent(trx, owner.orgId, { type: 'access.changed' }))
  server.context.bus.wake(owner.orgId)
  await reader.until(() => false)
  expect(reader.ended).toBe(true)
})

test('a client that does not read costs a bounded buffer, and gets everything once it reads again', async () => {
  const reader = await server.addPerson()
  const project = await addProject(reader)
  const task = await addTask(reader, project)
  const second = await secondServer()
  const socket = connect(Number(new URL(second.url).port), '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  socket.write(`GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${reader.apiKey}\r\n\r\n`)
  await expect.poll(() => text).toContain('event: alive')
  socket.pause()
  const event = JSON.stringify({ type: 'task.activity', projectId: project.id, taskId: task.id, activity: 'x'.repeat(3000) })
  const rows = 8000
  await server.context.db.raw(
    'insert into events (org_id, type, payload) select ?, ?, ?::jsonb from generate_series(1, ?::int) n returning null',
    [reader.orgId, 'task.activity', event, rows],
  )
  const newest = await newestEventId(server.context.db, reader.orgId)
  const other = await new StreamReader(second.url, reader.apiKey).opened()
  server.context.bus.wake(reader.orgId)
  // Whoever reads is served meanwhile.
  await other.until(() => other.last === newest)
  await other.close()
  expect(Math.max(...second.sockets.map(({ writableLength }) => writableLength))).toBeLessThan(200_000)
  socket.resume()
  await expect.poll(() => text.includes(`id: ${newest}\n`), { timeout: 15_000 }).toBe(true)
  socket.destroy()
  await second.stop()
  const seen = [...text.matchAll(/id: (\d+)\nevent: task\.activity/g)].map(([, id]) => Number(id))
  expect(seen).toHaveLength(rows)
  expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b))
})

test('what another process wrote is heard, though nobody woke this one', async () => {
  const { orgId, apiKey } = await server.addPerson()
  const reader = await new StreamReader(server.url, apiKey).opened()
  await server.context.db.transaction((trx) => appendEvent(trx, orgId, { type: 'access.changed' }))
  const [event] = await reader.first(1)
  await reader.close()
  expect(event?.type).toBe('access.changed')
})

test('the page endpoint gives the same events by number, and says where to go on', async () => {
  const { orgId, call } = await server.addPerson()
  for (let index = 0; index < 250; index++) await append(orgId, index)
  const log = (await readEvents(server.context.db, orgId, 0, 1000)).map(({ id }) => String(id))
  const newest = await call(listEvents, {})
  expect(newest).toEqual({ events: [], lastEventId: log.at(-1), more: false, missed: false })
  const first = await call(listEvents, { query: { after: '0' } })
  const second = await call(listEvents, { query: { after: first.lastEventId } })
  expect([first.more, second.more]).toEqual([true, false])
  expect([...first.events, ...second.events].map(({ id }) => id)).toEqual(log)
  expect(await call(listEvents, { query: { after: String(Number(log.at(-1)) + 7) } })).toMatchObject({ missed: true, events: [] })
})

test('a number that this log never gave is answered with the newest and the word that something was missed', async () => {
  const { orgId, apiKey } = await server.addPerson()
  await append(orgId, 1)
  const newest = await newestEventId(server.context.db, orgId)
  const reader = new StreamReader(server.url, apiKey, newest + 1_000_000)
  const [missed] = await reader.first(1)
  await reader.close()
  expect(missed).toMatchObject({ id: newest, type: 'missed' })
})

test('the log is in the order of its numbers, also when many write at once', async () => {
  const { db } = server.context
  const before = (await readEvents(db, person.orgId, 0, 10_000)).length
  await Promise.all(Array.from({ length: 40 }, (_, index) => append(person.orgId, index)))
  const numbers = (await readEvents(db, person.orgId, 0, 10_000)).map(({ id }) => id)
  expect(numbers).toHaveLength(before + 40)
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
})

test('an event of a newer version is passed over, and what follows it comes', async () => {
  const { orgId, apiKey } = await server.addPerson()
  const reader = await new StreamReader(server.url, apiKey).opened()
  await server.context.db('events').insert({ org_id: orgId, type: 'moon.risen', payload: { type: 'moon.risen' } })
  await append(orgId, 1)
  const [event] = await reader.first(1)
  await reader.close()
  expect(event?.type).toBe('host.changed')
})

test('a stranger gets no stream, and a number that no stream gave is refused', async () => {
  expect((await fetch(`${server.url}/api/v1/events`)).status).toBe(401)
  const headers = { authorization: `Bearer ${person.apiKey}`, 'last-event-id': 'yesterday' }
  expect((await fetch(`${server.url}/api/v1/events`, { headers })).status).toBe(400)
})

test('one person cannot hold all connections open', async () => {
  const { apiKey } = await server.addPerson()
  const readers = Array.from({ length: 40 }, () => new StreamReader(server.url, apiKey))
  await Promise.all(readers.map((reader) => reader.opened()))
  expect((await fetch(`${server.url}/api/v1/events`, { headers: { authorization: `Bearer ${apiKey}` } })).status).toBe(429)
  await Promise.all(readers.map((reader) => reader.close()))
  await expect
    .poll(async () => {
      const reader = new StreamReader(server.url, apiKey)
      await reader.opened()
      await reader.close()
      return reader.status
    })
    .toBe(200)
})
