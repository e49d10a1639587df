import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createClient } from '@helix/contract/client'
import { enrolHost, hostProtocol, rotateCredential } from '@helix/contract/enrolment'
import { allowEnrolment, askRotation, revokeHost } from '@helix/contract/host-access'
import { claimSession, listHostSessions } from '@helix/contract/hosts'
import type { HostId, SessionId } from '@helix/contract/ids'
import { locateSession, openSession } from '@helix/contract/internal'
import type { HostDown } from '@helix/contract/link'
import { listHosts } from '@helix/contract/system'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { newId } from '../../context.ts'
import { addProject, addTask } from '../../internal/testing.ts'
import { testTokens } from '../../testing/context.ts'
import { openTestServer, type Person, type TestServer } from '../../testing/server.ts'

let server: TestServer
let person: Person
let stranger: Person
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
  stranger = await server.addPerson()
  const value = JSON.stringify({ userId: person.userId, orgId: person.orgId })
  await server.context.db('installation').insert({ key: 'administrator', value })
})
afterAll(() => server[Symbol.asyncDispose]())

const newCredential = () => `hxh_${randomBytes(32).toString('base64url')}`
const enrolment = (hostId: HostId, credential: string) => ({ hostId, name: 'one', version: '9', protocol: hostProtocol, credential })
const enrol = (hostId: HostId, credential: string) => server.runner(enrolHost, { body: enrolment(hostId, credential) })
const as = (token: string) => createClient({ baseUrl: server.url, token })
const living = (hostId: HostId, token: string) => as(token)(listHostSessions, { params: { hostId } })

async function enrolled(): Promise<{ hostId: HostId; credential: string }> {
  const host = { hostId: newId('host'), credential: newCredential() }
  await enrol(host.hostId, host.credential)
  return host
}

interface Linked {
  received: HostDown[]
  socket: WebSocket
  closed: Promise<[number, Buffer]>
}

/** Resolves when it is welcome or turned away. */
async function link(hostId: HostId, token: string, hello: object = { protocol: hostProtocol }): Promise<Linked> {
  const headers = { authorization: `Bearer ${token}` }
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/internal/v1/hosts/connect`, { headers })
  const received: HostDown[] = []
  socket.on('message', (data) => received.push(JSON.parse(String(data))))
  await once(socket, 'open')
  const closed = once(socket, 'close') as Promise<[number, Buffer]>
  socket.send(JSON.stringify({ type: 'hello', hostId, name: 'one', bootId: 'b', version: '9', ...hello }))
  await Promise.race([once(socket, 'message'), closed])
  return { received, socket, closed }
}

test('a host enrols once: the same again is the same, another credential is refused with the way out', async () => {
  const { hostId, credential } = await enrolled()
  expect(await enrol(hostId, credential)).toEqual({ hostId })
  await expect(enrol(hostId, newCredential())).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('state folder') })
  // Nor may it be somebody else's second name.
  await expect(enrol(newId('host'), credential)).rejects.toMatchObject({ code: 'conflict' })
  expect(await server.context.db('host_credentials').where({ secret_hash: credential })).toEqual([])
})

test('of two machines that enrol one id at once one gets it', async () => {
  const hostId = newId('host')
  const tries = await Promise.allSettled([enrol(hostId, newCredential()), enrol(hostId, newCredential())])
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('a credential opens the paths of its own host and no other’s, and the runner token none of an enrolled host', async () => {
  const [one, other] = [await enrolled(), await enrolled()]
  expect(await living(one.hostId, one.credential)).toEqual({ sessions: [], images: [], closedImages: [] })
  await expect(living(other.hostId, one.credential)).rejects.toMatchObject({ code: 'not_found' })
  await expect(living(newId('host'), one.credential)).rejects.toMatchObject({ code: 'not_found' })
  for (const token of [testTokens.runner, testTokens.worker, person.apiKey, newCredential()])
    await expect(living(one.hostId, token)).rejects.toMatchObject({ code: 'not_signed_in' })
  await expect(as(one.credential)(enrolHost, { body: enrolment(newId('host'), newCredential()) })).rejects.toMatchObject({
    code: 'not_signed_in',
  })
})

test('the link takes a credential for its own host only', async () => {
  const [one, other] = [await enrolled(), await enrolled()]
  const own = await link(one.hostId, one.credential)
  expect(own.received[0]).toMatchObject({ type: 'welcome', sessionUrl: server.context.config.sessionUrl })
  const stolen = await link(other.hostId, one.credential)
  expect(String((await stolen.closed)[1])).toContain('not of this host')
  const shared = await link(one.hostId, testTokens.runner)
  expect((await shared.closed)[0]).toBe(4403)
  const tunnel = new WebSocket(`${server.url.replace('http', 'ws')}/internal/v1/hosts/tunnels/x?host=${other.hostId}`, {
    headers: { authorization: `Bearer ${one.credential}` },
  })
  expect(((await once(tunnel, 'error')) as [Error])[0].message).toContain('401')
  own.socket.close()
})

test('a rotation replaces the credential; the old one opens for a while and then no more', async () => {
  const { hostId, credential } = await enrolled()
  const next = newCredential()
  const rotate = () => as(credential)(rotateCredential, { params: { hostId }, body: { credential: next } })
  await rotate()
  await rotate()
  expect([await living(hostId, credential), await living(hostId, next)]).toEqual([
    { sessions: [], images: [], closedImages: [] },
    { sessions: [], images: [], closedImages: [] },
  ])
  const { db } = server.context
  await db('host_credentials')
    .where({ host_id: hostId })
    .whereNotNull('expires_at')
    .update({ expires_at: db.raw("now() - interval '1 second'") })
  await expect(living(hostId, credential)).rejects.toMatchObject({ code: 'not_signed_in' })
  expect(await living(hostId, next)).toEqual({ sessions: [], images: [], closedImages: [] })
})

test('an administrator of the installation asks a linked host to rotate; nobody else can, and a stranger’s host is not there', async () => {
  const { hostId, credential } = await enrolled()
  const { socket, received } = await link(hostId, credential)
  for (const endpoint of [askRotation, allowEnrolment, revokeHost]) {
    await expect(stranger.call(endpoint, { params: { hostId } })).rejects.toMatchObject({ code: 'not_found' })
    await expect(person.call(endpoint, { params: { hostId: newId('host') } })).rejects.toMatchObject({ code: 'not_found' })
  }
  await person.call(askRotation, { params: { hostId } })
  await expect.poll(() => received.map(({ type }) => type)).toContain('rotate')
  const [entry] = await server.context.db('audit_log').where({ action: 'askRotation' })
  expect(entry).toMatchObject({ actor_id: person.userId })
  socket.close()
})

test('a revoked host is cut at once and stays out, its sessions’ tokens close, and its sessions go elsewhere', async () => {
  const [lost, heir] = [await enrolled(), await enrolled()]
  const links = [await link(lost.hostId, lost.credential), await link(heir.hostId, heir.credential)]
  const rest = { running: 0, rung: 'userns', innerDocker: true, packs: [], freeDiskBytes: 1, problem: null }
  for (const { socket } of links) socket.send(JSON.stringify({ type: 'report', capacity: 5, ...rest }))
  await expect
    .poll(async () =>
      (await person.call(listHosts, {})).items.filter(({ id, capacity }) => capacity === 5 && [lost.hostId, heir.hostId].includes(id)),
    )
    .toHaveLength(2)
  const task = await addTask(person, await addProject(person))
  const { sessionId } = await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })
  const claim = (host: typeof lost, epoch: number, id: SessionId = sessionId) =>
    as(host.credential)(claimSession, { params: { hostId: host.hostId, sessionId: id }, body: { bootId: 'b', epoch } })
  expect((await claim(lost, 0)).outcome).toBe('claimed')
  expect((await claim(heir, 1)).outcome).toBe('refused')
  await person.call(revokeHost, { params: { hostId: lost.hostId } })
  expect((await links[0]?.closed)?.[0]).toBe(4403)
  await expect(living(lost.hostId, lost.credential)).rejects.toMatchObject({ code: 'not_signed_in' })
  await expect(living(lost.hostId, testTokens.runner)).rejects.toMatchObject({ code: 'not_signed_in' })
  await expect(enrol(lost.hostId, lost.credential)).rejects.toMatchObject({ message: expect.stringContaining('revoked') })
  const tokens = await server.context.db('session_tokens').where({ session_id: sessionId }).whereNull('revoked_at')
  expect(tokens).toEqual([])
  expect(await server.worker(locateSession, { params: { sessionId } })).toMatchObject({ queue: null, waitForHost: false })
  expect(await claim(heir, 1)).toMatchObject({ outcome: 'claimed', epoch: 2 })
  expect((await person.call(listHosts, {})).items.find(({ id }) => id === lost.hostId)).toMatchObject({
    credential: 'revoked',
    online: false,
  })
  // With a new credential it is taken in again.
  expect(await enrol(lost.hostId, newCredential())).toEqual({ hostId: lost.hostId })
  links[1]?.socket.close()
})

test('a host that never enrolled is shut out too', async () => {
  const hostId = newId('host')
  const { closed } = await link(hostId, testTokens.runner, {})
  await person.call(revokeHost, { params: { hostId } })
  expect((await closed)[0]).toBe(4403)
  await expect(living(hostId, testTokens.runner)).rejects.toMatchObject({ code: 'not_signed_in' })
})

test('an administrator lets a host that lost its credential enrol once more', async () => {
  const { hostId, credential } = await enrolled()
  const { closed } = await link(hostId, credential)
  await person.call(allowEnrolment, { params: { hostId } })
  const next = newCredential()
  await enrol(hostId, next)
  await expect(enrol(hostId, newCredential())).rejects.toMatchObject({ code: 'conflict' })
  await expect(living(hostId, credential)).rejects.toMatchObject({ code: 'not_signed_in' })
  server.context.bus.wake(hostId)
  expect((await closed)[0]).toBe(4403)
})

test('a host of the version before links, reports and claims as it did, and what it does not know is left out', async () => {
  const hostId = newId('host')
  const { socket, received } = await link(hostId, testTokens.runner, { somethingNewer: { a: 1 } })
  expect(received[0]).toMatchObject({ type: 'welcome', hostEpoch: 1 })
  const report = { type: 'report', capacity: 3, running: 0, rung: 'userns', innerDocker: true, packs: [], freeDiskBytes: 1, problem: null }
  socket.send(JSON.stringify({ ...report, newField: true }))
  const shown = async () => (await person.call(listHosts, {})).items.find(({ id }) => id === hostId)
  await expect.poll(async () => (await shown())?.capacity).toBe(3)
  expect(await shown()).toMatchObject({ credential: 'shared', checks: [] })
  const task = await addTask(person, await addProject(person))
  const { sessionId } = await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })
  const path = `/internal/v1/hosts/${hostId}/sessions/${sessionId}/claim`
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${testTokens.runner}`, 'content-type': 'application/json' },
    body: JSON.stringify({ bootId: 'b', epoch: 0, ofTomorrow: 1 }),
  })
  expect(await answer.json()).toMatchObject({ outcome: 'claimed', epoch: 1 })
  socket.close()
})

test('a host of another version than this one and the one before is told what to upgrade', async () => {
  const { hostId, credential } = await enrolled()
  for (const [protocol, said] of [
    [hostProtocol + 1, 'upgrade the control plane'],
    [0, 'upgrade this host'],
  ] as const) {
    const { closed } = await link(hostId, credential, { protocol })
    expect(String((await closed)[1])).toContain(said)
  }
  const newer = { ...enrolment(newId('host'), newCredential()), protocol: hostProtocol + 1 }
  await expect(server.runner(enrolHost, { body: newer })).rejects.toMatchObject({
    message: expect.stringContaining('upgrade the control plane'),
  })
})
