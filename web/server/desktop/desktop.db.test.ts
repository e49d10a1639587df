import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { HelixError } from '@helix/contract/errors'
import type { SessionId } from '@helix/contract/ids'
import { recordSession } from '@helix/contract/internal'
import { type Project, updateProject } from '@helix/contract/projects'
import { createSession } from '@helix/contract/session-life'
import { streamProtocols } from '@helix/contract/stream'
import { openDesktop } from '@helix/contract/stream-tickets'
import express from 'express'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { newId } from '../context.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject } from '../internal/testing.ts'
import { sealingKeysOf } from '../secrets/seal.ts'
import { FakeMachine, MachineHost } from '../testing/machine.ts'
import { openReplica } from '../testing/replica.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { StreamOrigins } from './addresses.ts'
import { StreamTickets } from './tickets.ts'

let server: TestServer
let person: Person
let stranger: Person
let project: Project
let machine: FakeMachine
let host: MachineHost
let sessionId: SessionId
beforeAll(async () => {
  server = await openTestServer({ FRONTEND_URL: 'http://localhost:8080' })
  // Its own address, as other replicas know it.
  server.context.config.internalUrl = server.url
  person = await server.addPerson()
  stranger = await server.addPerson()
  project = await addProject(person)
  machine = await FakeMachine.open()
  host = await MachineHost.join(server.url, machine)
  host.report({ stream: { port: 9, url: 'http://localhost:9' } })
  sessionId = (await person.call(createSession, { params: { projectId: project.id }, body: { title: 'A try' } })).id
  await host.start(server, sessionId)
})
afterAll(async () => {
  host[Symbol.dispose]()
  await machine[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const open = (body: { right?: 'view' | 'control' } = {}, who = person) => who.call(openDesktop, { params: { sessionId }, body })
const failure = (work: Promise<unknown>): Promise<HelixError> =>
  work.then(
    () => Promise.reject(new Error('it worked')),
    (error: unknown) => (error instanceof HelixError ? error : Promise.reject(error)),
  )
const claimsOf = (ticket: string) => JSON.parse(Buffer.from(ticket.split('.')[1] ?? '', 'base64url').toString())

test('a ticket names person, session, host, start and right, and the addresses to try', async () => {
  const { ticket, right, urls, expiresAt } = await open()
  expect(right).toBe('control')
  const at = `/sandboxes/${host.hostId}/sessions/${sessionId}/desktop`
  expect(urls).toEqual([
    { url: `ws://localhost:9${at}`, kind: 'direct' },
    { url: `ws://localhost:8080${at}`, kind: 'relayed' },
  ])
  expect(claimsOf(ticket)).toMatchObject({ hostId: host.hostId, sessionId, epoch: 1, userId: person.userId, name: 'Test Person', right })
  expect(new Date(expiresAt).getTime() - Date.now()).toBeLessThanOrEqual(30_000)
  expect(host.welcome?.streamKeys?.map(({ id }) => id)).toEqual(['0'])
  expect(host.welcome?.pageOrigins).toEqual(['http://localhost:8080', 'http://127.0.0.1:8080'])
})

test('who may look gets a ticket to look, and none to drive; strangers find nothing', async () => {
  expect((await failure(open({}, stranger))).code).toBe('not_found')
  const viewer = newId('user')
  await server.context.db('users').insert({ id: viewer, email: `${viewer}@example.com`, name: 'Looks On' })
  await server.context.db('memberships').insert({ org_id: person.orgId, user_id: viewer, role: 'viewer' })
  const { secret } = await new IdentityStore(server.context.db).createApiKey(person.orgId, viewer, 'test')
  const ask = async (body: object) => {
    const answer = await fetch(`${server.url}/api/v1/sessions/${sessionId}/desktop-tickets`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    })
    return { status: answer.status, body: (await answer.json()) as { right?: string; error?: { message: string } } }
  }
  expect((await ask({})).body.right).toBe('view')
  expect(await ask({ right: 'control' })).toMatchObject({
    status: 403,
    body: { error: { message: expect.stringContaining('You need member') } },
  })
})

test('a ticket of every listed key is known, made by the first, and one that was changed or is over is not', () => {
  const [old, next] = ['a'.repeat(32), 'b'.repeat(32)]
  const before = new StreamTickets(sealingKeysOf(`one:${old}`))
  const after = new StreamTickets(sealingKeysOf(`two:${next},one:${old}`))
  const claims = { hostId: host.hostId, sessionId, epoch: 1, userId: 'usr_1', name: 'Ada', right: 'view' as const }
  expect(after.publicKeys).toContainEqual(before.publicKeys[0])
  expect(after.publicKeys.map(({ id }) => id)).toEqual(['two', 'one'])
  expect(after.read(before.make(claims).ticket)).toMatchObject({ kid: 'one', name: 'Ada' })
  expect(after.read(after.make(claims).ticket)).toMatchObject({ kid: 'two' })
  expect(before.read(after.make(claims).ticket)).toBeNull()
  const [, body = '', signature] = after.make(claims).ticket.split('.')
  const raised = Buffer.from(JSON.stringify({ ...claimsOf(`v1.${body}.`), right: 'control' })).toString('base64url')
  for (const bad of [`v1.${raised}.${signature}`, `v1.${body}.`, 'v1..', '', 'x'.repeat(5000)]) expect(after.read(bad)).toBeNull()
})

const relay = (ticket: string, options: { url?: string; origin?: string; path?: string } = {}) => {
  const path = options.path ?? `/sandboxes/${host.hostId}/sessions/${sessionId}/desktop`
  const origin = options.origin === undefined ? {} : { origin: options.origin }
  return new WebSocket(`${(options.url ?? server.url).replace('http', 'ws')}${path}`, streamProtocols(ticket), origin)
}
const errorOf = async (socket: WebSocket): Promise<string> => String((await once(socket, 'error'))[0])

test('who does not reach the host is carried there over its link, byte for byte', async () => {
  const { ticket } = await open()
  const socket = relay(ticket)
  await once(socket, 'open')
  expect(host.dials.at(-1)).toMatchObject({ type: 'dialStream' })
  expect(machine.asked.at(-1)?.url).toBe(`/sandboxes/${host.hostId}/sessions/${sessionId}/desktop`)
  expect(socket.protocol).toBe('helix.stream.1')
  const big = Buffer.alloc(3_000_000, 5)
  socket.send(big)
  expect(big.equals((await once(socket, 'message'))[0] as Buffer)).toBe(true)
  socket.terminate()
})

test('without a ticket for it nobody is dialled for', async () => {
  const before = host.dials.length
  const { ticket } = await open()
  const other = newId('host')
  expect(await errorOf(relay('nonsense'))).toContain('401')
  expect(await errorOf(relay(ticket.replace(/[^.]*$/, 'A'.repeat(86))))).toContain('401')
  expect(await errorOf(relay(ticket, { path: `/sandboxes/${other}/sessions/${sessionId}/desktop` }))).toContain('404')
  expect(await errorOf(relay(ticket, { path: `/sandboxes/${host.hostId}/sessions/${newId('session')}/desktop` }))).toContain('404')
  expect(await errorOf(relay(ticket, { path: `/sandboxes/${host.hostId}/elsewhere` }))).toContain('404')
  expect(await errorOf(relay(ticket, { origin: 'https://evil.example' }))).toContain('403')
  expect(host.dials.length).toBe(before)
})

test('a replica without the host’s link splices to the one that has it', async () => {
  await using replica = await openReplica(server)
  const socket = relay((await open()).ticket, { url: replica.url })
  await once(socket, 'open')
  socket.send('over there')
  expect(String((await once(socket, 'message'))[0])).toBe('over there')
  const streams = `${server.url.replace('http', 'ws')}/internal/v1/streams/${host.hostId}`
  expect(await errorOf(new WebSocket(streams))).toContain('401')
  socket.terminate()
})

test('a host that is older, one that is silent, and a session that rests are told with the way out', async () => {
  host.manner = 'silent'
  const { ticket } = await open()
  expect(await errorOf(relay(ticket))).toContain('503')
  host.manner = 'connect'
  host.report()
  await expect.poll(async () => (await failure(open())).message).toMatch(/shows no desktops: it is older/)
  host.report({ stream: { port: 9 } })
  await expect.poll(async () => (await open().catch(() => null))?.urls.map(({ kind }) => kind)).toEqual(['relayed'])
  const desktop = { enabled: false, width: 1280, height: 720, scale: 100, fps: 30 }
  await person.call(updateProject, { params: { projectId: project.id }, body: { desktop } })
  expect(await failure(open())).toMatchObject({ code: 'conflict', message: expect.stringContaining('turn them on in its settings') })
  await person.call(updateProject, { params: { projectId: project.id }, body: { desktop: { ...desktop, enabled: true } } })
  await server.worker(recordSession, { params: { sessionId }, body: { epoch: 1, state: 'suspended', reason: 'idle' } })
  expect(await failure(open())).toMatchObject({ code: 'machine_unavailable', message: 'The session is suspended: resume it first.' })
  await server.worker(recordSession, { params: { sessionId }, body: { epoch: 1, state: 'idle', reason: '' } })
})

test('work in a desktop is use of its machine, where the host has the session', async () => {
  const { db } = server.context
  const { id } = await person.call(createSession, { params: { projectId: project.id }, body: { title: 'Another' } })
  const used = async () => (await db('agent_sessions').where({ id }).first('used_at')).used_at
  host.report({ stream: { port: 9 }, worked: [id, newId('session')] })
  await host.start(server, id)
  expect(await used()).toBeNull()
  host.report({ stream: { port: 9 }, worked: [id] })
  await expect.poll(used, { timeout: 5000 }).not.toBeNull()
})

test('a host is told whom to see off: who was deactivated, whose role is less now, and nobody else', async () => {
  const { db } = server.context
  const [gone, less] = [newId('user'), newId('user')]
  for (const [id, role] of [
    [gone, 'member'],
    [less, 'viewer'],
  ] as const) {
    await db('users').insert({ id, email: `${id}@example.com`, name: 'Somebody' })
    await db('memberships').insert({ org_id: person.orgId, user_id: id, role, deactivated_at: id === gone ? db.fn.now() : null })
  }
  const seat = (userId: string, right: 'view' | 'control') => ({ sessionId, userId, right })
  const seats = [
    seat(person.userId, 'control'),
    seat(gone, 'view'),
    seat(less, 'view'),
    seat(less, 'control'),
    seat(stranger.userId, 'view'),
  ]
  host.report({ stream: { port: 9 }, viewers: seats })
  await expect.poll(() => host.unseated).toEqual([seats[1], seats[3], seats[4]].map((one) => ({ type: 'unseat', ...one })))
  const { report } = await db('hosts').where({ id: host.hostId }).first('report')
  expect(JSON.stringify(report)).not.toContain(person.userId)
})

test('pages may connect to the hosts’ stream servers besides our own, and to nobody else', async () => {
  const { db } = server.context
  await db('hosts').insert([
    { id: newId('host'), name: 'a', last_seen_at: db.fn.now(), report: { stream: { port: 1, url: 'https://one.example.com/streams' } } },
    { id: newId('host'), name: 'b', last_seen_at: db.fn.now(), report: { stream: { port: 1, url: 'javascript:alert(1)' } } },
    { id: newId('host'), name: 'c', last_seen_at: new Date(0), report: { stream: { port: 1, url: 'https://old.example.com' } } },
  ])
  expect(await new StreamOrigins(db).list()).toContain('wss://one.example.com')
  expect((await new StreamOrigins(db).list()).join(' ')).not.toMatch(/old|javascript/)
  const { openPolicy } = await import('../pages.ts')
  const app = express()
  app.use((_request, response) => {
    openPolicy(response, ['wss://one.example.com'])
    response.setHeader('content-security-policy', "default-src 'self'; connect-src 'self'; object-src 'none'")
    response.end('page')
  })
  const own = app.listen(0)
  await once(own, 'listening')
  const answer = await fetch(`http://127.0.0.1:${(own.address() as AddressInfo).port}/`)
  expect(answer.headers.get('content-security-policy')).toBe(
    "default-src 'self'; connect-src 'self' wss://one.example.com; object-src 'none'",
  )
  own.close()
})
