import { createClient } from '@helix/contract/client'
import type { Endpoint } from '@helix/contract/endpoint'
import { cordonHost, drainHost, getFleet, removeHost, setShare, uncordonHost, updateHost } from '@helix/contract/fleet'
import { allowEnrolment, askRotation, revokeHost } from '@helix/contract/host-access'
import type { HostId, SessionId } from '@helix/contract/ids'
import { locateSession, placeSession, recordSession, recordTurn } from '@helix/contract/internal'
import { listHosts } from '@helix/contract/system'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { newId } from '../../context.ts'
import { IdentityStore } from '../../identity/store.ts'
import { openTestServer, type Person, type TestServer } from '../../testing/server.ts'
import { addHostRow, addProjectRow, addSessionRows, keepAlive } from '../testing.ts'

let server: TestServer
let admin: Person
let other: Person
beforeAll(async () => {
  server = await openTestServer()
  admin = await server.addPerson()
  other = await server.addPerson()
  const value = JSON.stringify({ userId: admin.userId, orgId: admin.orgId })
  await server.context.db('installation').insert({ key: 'administrator', value })
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  for (const table of ['outbox', 'session_places', 'agent_sessions', 'hosts']) await db()(table).delete()
})

const db = () => server.context.db
const on = (hostId: HostId) => ({ params: { hostId } })
const ask = (sessionId: SessionId) => server.worker(placeSession, { params: { sessionId } })
const addSessions = async (person: Person, count: number, set: Parameters<typeof addSessionRows>[3] = {}) =>
  addSessionRows(db(), { ...person, projectId: await addProjectRow(db(), person.orgId) }, count, set)
const refused = (call: Promise<unknown>, code: string) => expect(call).rejects.toMatchObject({ code })
const signals = async (signal: string) =>
  (await db()('outbox').orderBy('id').select('payload')).map(({ payload }) => payload).filter((one) => one.signal === signal)

test('an organisation sees the hosts it may use, what it has there, and nothing of others but that it is there', async () => {
  const shared = await addHostRow(db(), {
    name: 'shared',
    capacity: 3,
    load: 0.4,
    memoryBytes: 2 ** 34,
    roomBytes: 2 ** 35,
    labels: { arch: 'x64' },
    pressure: { level: 'suspend', reason: 'Its disk is nearly full.' },
  })
  const theirs = await addHostRow(db(), { name: 'theirs' })
  await admin.call(updateHost, { ...on(theirs), body: { organisationId: admin.orgId } })
  const [mine] = await addSessions(other, 1, { state: 'idle', hostId: shared })
  const [hidden] = await addSessions(admin, 1, { state: 'running', hostId: shared })
  const fleet = await other.call(getFleet, {})
  expect(fleet.hosts.map(({ name }) => name)).toEqual(['shared'])
  expect(fleet.hosts[0]).toMatchObject({
    sessions: 2,
    capacity: 3,
    load: 0.4,
    labels: { arch: 'x64' },
    memory: { totalMb: 16_384, roomMb: 32_768 },
    pressure: { level: 'suspend', reason: 'Its disk is nearly full.' },
    pressureEvents: [],
    descriptors: null,
  })
  expect(fleet.hosts[0]?.sessionsThere.map(({ id, state }) => [id, state])).toEqual([
    [mine, 'idle'],
    [null, 'running'],
  ])
  expect(JSON.stringify(fleet)).not.toContain(hidden)
  expect(JSON.stringify(fleet)).not.toContain(admin.orgId)
  expect(fleet).toMatchObject({ mayAdminister: false, shares: [{ organisation: { id: other.orgId }, held: 1, waiting: 0 }] })
  expect((await other.call(listHosts, {})).items.map(({ name }) => name)).toEqual(['shared'])
  const all = await admin.call(getFleet, {})
  expect([all.hosts.map(({ name }) => name), all.mayAdminister, all.shares.length]).toEqual([['shared', 'theirs'], true, 2])
  expect(JSON.stringify(all)).not.toContain(mine)
})

test('what a host told, what its sessions are called, and how it stands with its credential are shown to who may see them', async () => {
  const packs = [{ runtime: 'goose_code' as const, version: '1.2.3' }]
  const hostId = await addHostRow(db(), { packs, images: ['helix-session:dev'] })
  await db()('hosts').where({ id: hostId }).update({ protocol: 1, rotation_asked_at: db().fn.now() })
  await db()('host_credentials').insert({ secret_hash: 'hash of one', host_id: hostId })
  const [mine] = await addSessions(other, 1, { state: 'idle', hostId })
  await db()('agent_sessions').where({ id: mine }).update({ title: 'Try the parser' })
  const [seen] = (await other.call(getFleet, {})).hosts
  expect(seen).toMatchObject({ packs, images: ['helix-session:dev'], protocol: 1, access: null })
  expect(seen?.sessionsThere).toMatchObject([{ title: 'Try the parser' }])
  const all = await admin.call(getFleet, {})
  expect(all.hosts[0]?.access).toEqual({ since: expect.any(String), rotationAsked: true, enrolUntil: null })
  expect(all.hosts[0]?.sessionsThere).toMatchObject([{ id: null, title: null }])
  expect(all.enrolment).toMatchObject({ controlPlaneUrl: server.context.config.frontendUrl })
  expect((await other.call(getFleet, {})).enrolment).toBeNull()
  expect(JSON.stringify(all)).not.toContain(server.context.config.HELIX_RUNNER_TOKEN)
})

test('the queue shows positions and reasons, and others’ sessions without a name', async () => {
  await addHostRow(db(), { capacity: 0 })
  const [first] = (await addSessions(admin, 1)) as [SessionId]
  const [second] = (await addSessions(other, 1)) as [SessionId]
  for (const id of [first, second]) await ask(id)
  const { queue } = await other.call(getFleet, {})
  expect(queue).toEqual([
    { id: second, taskId: null, title: null, position: 2, reason: 'Position 2 of 2: 0 of 0 places are taken', since: expect.any(String) },
  ])
  expect((await admin.call(getFleet, {})).queue.map(({ id, position }) => [id, position])).toEqual([
    [first, 1],
    [null, 2],
  ])
})

test('only who administers the installation changes hosts and shares; to all others they are not there', async () => {
  const hostId = await addHostRow(db())
  const userId = newId('user')
  await db()('users').insert({ id: userId, email: `${userId}@example.com`, name: 'Member' })
  await db()('memberships').insert({ org_id: admin.orgId, user_id: userId, role: 'member' })
  const { secret } = await new IdentityStore(db()).createApiKey(admin.orgId, userId, 'member')
  const member = createClient({ baseUrl: server.url, token: secret })
  for (const endpoint of [cordonHost, uncordonHost, drainHost, removeHost]) {
    await refused(other.call(endpoint, on(hostId)), 'not_found')
    await refused(member(endpoint, on(hostId)), 'forbidden')
  }
  await refused(other.call(updateHost, { ...on(hostId), body: { weight: 3 } }), 'not_found')
  await refused(other.call(setShare, { params: { organisationId: other.orgId }, body: { weight: 9 } }), 'not_found')
  await refused(admin.call(cordonHost, on(newId('host'))), 'not_found')
  await refused(admin.call(updateHost, { ...on(hostId), body: { organisationId: newId('org') } }), 'invalid_request')
  expect(await db()('hosts').where({ id: hostId }).first('weight', 'admission')).toEqual({ weight: 1, admission: 'open' })
})

test('what an administrator did is in the audit log with the host’s name, and pages are told', async () => {
  const hostId = await addHostRow(db(), { name: 'big one' })
  await admin.call(updateHost, { ...on(hostId), body: { labels: { gpu: 'a100' }, weight: 4 } })
  for (const endpoint of [cordonHost, drainHost, uncordonHost, askRotation, allowEnrolment, revokeHost, removeHost])
    await admin.call<Endpoint>(endpoint, on(hostId))
  const rows = await db()('audit_log').where({ org_id: admin.orgId, target_id: hostId }).orderBy('at')
  expect(rows.map(({ action, target_name, details }) => [action, target_name, details.weight ?? null])).toEqual([
    ['updateHost', 'big one', 4],
    ...['cordonHost', 'drainHost', 'uncordonHost', 'askRotation', 'allowEnrolment', 'revokeHost', 'removeHost'].map((action) => [
      action,
      'big one',
      null,
    ]),
  ])
  const told = await db()('events').where({ type: 'host.changed' }).whereRaw("payload->>'hostId' = ?", [hostId]).distinct('org_id')
  expect(told.map(({ org_id }) => org_id).toSorted()).toEqual([admin.orgId, other.orgId].toSorted())
})

test('a label that is none is refused in words that name it', async () => {
  const hostId = await addHostRow(db())
  const set = (labels: Record<string, string>) => admin.call(updateHost, { ...on(hostId), body: { labels } })
  await expect(set({ 'GPU!': 'a100' })).rejects.toMatchObject({
    details: { fields: { 'labels.GPU!': 'use up to 63 of a-z, 0-9, dots, slashes and dashes' } },
  })
  await expect(set({ gpu: '' })).rejects.toMatchObject({ details: { fields: { 'labels.gpu': expect.stringContaining('use 1 to 63') } } })
})

test('labels of administrators and weights decide; an uncordoned host wakes who waits for it', async () => {
  const hostId = await addHostRow(db(), { capacity: 1 })
  await admin.call(cordonHost, on(hostId))
  const projectId = await addProjectRow(db(), other.orgId, { host_labels: JSON.stringify({ gpu: 'a100' }) })
  const [sessionId] = (await addSessionRows(db(), { ...other, projectId }, 1)) as [SessionId]
  expect(await ask(sessionId)).toMatchObject({ placed: false, position: null, reason: 'No host has label gpu=a100' })
  await admin.call(updateHost, { ...on(hostId), body: { labels: { gpu: 'a100' } } })
  await db()('session_places').update({ decided_at: null })
  expect(await ask(sessionId)).toMatchObject({ placed: false, position: 1, reason: expect.stringContaining('cordoned: host') })
  await admin.call(uncordonHost, on(hostId))
  expect(await signals('placeFreed')).toMatchObject([{ sessionId }])
  expect(await ask(sessionId)).toMatchObject({ placed: true, hostId })
})

test('a drain tells each session to leave once, shows how far it is, and lets none come back', async () => {
  const hostId = await addHostRow(db(), { name: 'old', capacity: 4 })
  const [idle, busy] = (await addSessions(other, 2, { state: 'idle', hostId })) as [SessionId, SessionId]
  await db()('agent_sessions').where({ id: busy }).update({ state: 'running' })
  expect((await admin.call(drainHost, on(hostId))).drain).toEqual({ total: 2, left: 2 })
  expect((await signals('suspend')).map(({ sessionId, payload }) => [sessionId, payload])).toEqual([
    [idle, { leaves: hostId }],
    [busy, { leaves: hostId }],
  ])
  await server.worker(recordSession, {
    params: { sessionId: idle },
    body: { epoch: 1, state: 'suspended', reason: 'its host is being emptied' },
  })
  expect((await admin.call(drainHost, on(hostId))).drain).toEqual({ total: 2, left: 1 })
  expect(await ask(idle)).toMatchObject({ placed: false, reason: 'Position 1 of 1: all hosts that could are being drained: old' })
  // Its turn goes on where it is.
  expect(await ask(busy)).toMatchObject({ placed: true, hostId })
  await db()('outbox').delete()
  const promptId = newId('prompt')
  await db()('prompts').insert({ id: promptId, org_id: other.orgId, session_id: busy, kind: 'person', text: 'Go', state: 'running' })
  await server.worker(recordTurn, { params: { sessionId: busy }, body: { promptId, state: 'ended', outcome: 'end_turn' } })
  expect(await signals('suspend')).toMatchObject([{ sessionId: busy, payload: { leaves: hostId } }])
  const fresh = await addHostRow(db(), { name: 'new', capacity: 4 })
  await db()('session_places').update({ decided_at: null })
  expect(await ask(idle)).toMatchObject({ placed: true, hostId: fresh })
  expect((await server.worker(locateSession, { params: { sessionId: idle } })).queue).toBeNull()
})

test('a host that is online is not removed; one that is gone is, and its sessions begin anew elsewhere', async () => {
  const hostId = await addHostRow(db(), { name: 'gone' })
  const [sessionId] = (await addSessions(other, 1, { state: 'running', hostId })) as [SessionId]
  await expect(admin.call(removeHost, on(hostId))).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('gone is online'),
  })
  await db()('hosts').update({ last_seen_at: db().raw("now() - interval '1 hour'") })
  expect(await admin.call(removeHost, on(hostId))).toEqual({ id: hostId, name: 'gone' })
  await refused(admin.call(removeHost, on(hostId)), 'not_found')
  const fresh = await addHostRow(db())
  await keepAlive(db())
  expect(await ask(sessionId)).toMatchObject({ placed: true, hostId: fresh })
})

test('an organisation with a larger share comes first while places are few', async () => {
  const hostId = await addHostRow(db(), { capacity: 4 })
  await addSessions(admin, 2, { state: 'running', hostId })
  await addSessions(other, 1, { state: 'running', hostId })
  await db()('hosts').update({ admission: 'cordoned' })
  const [light] = (await addSessions(other, 1)) as [SessionId]
  const [heavy] = (await addSessions(admin, 1)) as [SessionId]
  for (const id of [light, heavy]) await ask(id)
  expect(await admin.call(setShare, { params: { organisationId: admin.orgId }, body: { weight: 3 } })).toMatchObject({ weight: 3 })
  await admin.call(uncordonHost, on(hostId))
  expect((await signals('placeFreed')).map(({ sessionId }) => sessionId)).toEqual([heavy])
  await db()('organisations').update({ placement_weight: 1 })
})
