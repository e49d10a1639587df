import { claimSession } from '@helix/contract/hosts'
import type { HostId, ProjectId, SessionId } from '@helix/contract/ids'
import { placeSession, recordSession } from '@helix/contract/internal'
import { createSession } from '@helix/contract/session-life'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../db/database.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { placeOfNewcomer } from './newcomers.ts'
import { place } from './place.ts'
import { roomChanged } from './room.ts'
import { addHostRow, addProjectRow, addSessionRows, keepAlive, overCommitted } from './testing.ts'

let server: TestServer
let person: Person
let other: Person
let projectId: ProjectId
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
  other = await server.addPerson()
  projectId = await addProjectRow(server.context.db, person.orgId)
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  const { db } = server.context
  for (const table of ['outbox', 'session_places', 'agent_sessions', 'hosts']) await db(table).delete()
})

const db = () => server.context.db
const ask = (sessionId: SessionId) => server.worker(placeSession, { params: { sessionId } })
const claim = (sessionId: SessionId, hostId: HostId, epoch = 0) =>
  server.runner(claimSession, { params: { hostId, sessionId }, body: { bootId: 'boot-1', epoch } })
const end = (sessionId: SessionId, state: 'stopped' | 'suspended' = 'stopped') =>
  server.worker(recordSession, { params: { sessionId }, body: { epoch: 9, state, reason: null } })
const addSessions = (count: number, set: Parameters<typeof addSessionRows>[3] = {}, project = projectId) =>
  addSessionRows(db(), { ...person, projectId: project }, count, set)
const signalled = async (): Promise<string[]> => {
  const rows = await db()('outbox').orderBy('id').select('payload')
  return rows.filter(({ payload }) => payload.signal === 'placeFreed').map(({ payload }) => payload.sessionId)
}
const decidedLongAgo = () => db()('session_places').update({ decided_at: db().raw("now() - interval '1 minute'") })

test('a session gets the host that is reserved for it, asked how often ever, and its claim uses the reservation up', async () => {
  const hostId = await addHostRow(db(), { capacity: 1 })
  const [first, second] = (await addSessions(2)) as [SessionId, SessionId]
  const given = await ask(first)
  expect(given).toMatchObject({ placed: true, hostId, queue: `sandbox-${hostId}-boot-1`, epoch: 0, idleMs: 600_000, endsAt: null })
  expect(await ask(first)).toEqual(given)
  expect(await ask(second)).toMatchObject({ placed: false, position: 1, reason: 'Position 1 of 1: 1 of 1 places are taken' })
  expect(await claim(second, hostId)).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('Every place is taken: 1 of 1') })
  expect(await claim(first, hostId)).toMatchObject({ outcome: 'claimed', epoch: 1 })
  expect(await db()('session_places').where({ session_id: first })).toEqual([])
  expect(await ask(first)).toMatchObject({ placed: true, hostId, epoch: 1 })
})

test('who waits is told when a place gets free, and finds it reserved; the others see their positions move', async () => {
  const hostId = await addHostRow(db(), { capacity: 1 })
  const [first, second, third] = (await addSessions(3)) as [SessionId, SessionId, SessionId]
  await ask(first)
  await claim(first, hostId)
  expect(await ask(second)).toMatchObject({ position: 1 })
  expect(await ask(third)).toMatchObject({ position: 2, reason: 'Position 2 of 2: 1 of 1 places are taken' })
  await end(first)
  expect(await signalled()).toEqual([second])
  expect(await ask(second)).toMatchObject({ placed: true, hostId })
  await decidedLongAgo()
  expect(await ask(third)).toMatchObject({ position: 1 })
})

test('a suspended session gives its place away and comes back to its own host only', async () => {
  const [home, free] = [await addHostRow(db(), { name: 'home', capacity: 1 }), await addHostRow(db(), { name: 'free', capacity: 5 })]
  const [sleeper] = (await addSessions(1, { state: 'running', hostId: home })) as [SessionId]
  await end(sleeper, 'suspended')
  const [guest] = (await addSessions(1, { state: 'running', hostId: home })) as [SessionId]
  expect(await ask(sleeper)).toMatchObject({
    placed: false,
    reason: expect.stringContaining('its machine is on home, where 1 of 1 places'),
  })
  expect(await claim(sleeper, home, 1)).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('Every place is taken') })
  expect(await claim(sleeper, free, 1)).toMatchObject({ outcome: 'refused', reason: 'The session lives on another host' })
  await end(guest)
  expect(await ask(sleeper)).toMatchObject({ placed: true, hostId: home })
})

test('a reservation that nobody uses lapses, and its host is another’s', async () => {
  const hostId = await addHostRow(db(), { capacity: 1 })
  const [first, second] = (await addSessions(2)) as [SessionId, SessionId]
  await ask(first)
  await ask(second)
  await db()('session_places')
    .where({ session_id: first })
    .update({ reserved_until: db().raw("now() - interval '1 second'"), asked_at: db().fn.now() })
  await decidedLongAgo()
  expect(await ask(second)).toMatchObject({ placed: true, hostId })
  expect(await claim(first, hostId)).toMatchObject({ outcome: 'refused' })
})

test('memory counts by the sizes of the projects, and is kept at what it was when the session started', async () => {
  const hostId = await addHostRow(db(), { capacity: 9, memoryBytes: 16 * 1024 ** 3, roomBytes: 12 * 1024 ** 3 })
  const large = await addProjectRow(db(), person.orgId, { size: 'large' })
  const [first, second] = (await addSessions(2, {}, large)) as [SessionId, SessionId]
  await ask(first)
  await claim(first, hostId)
  expect(await ask(second)).toMatchObject({
    reason: expect.stringContaining('no host has 8 GB of memory left (8 of 12 GB are given away, 1 of 9 places)'),
  })
  await db()('projects').where({ id: large }).update({ size: 'small' })
  expect((await db()('agent_sessions').where({ id: first }).first('memory_mb')).memory_mb).toBe(8192)
  await decidedLongAgo()
  expect(await ask(second)).toMatchObject({ placed: true })
  expect(await overCommitted(db())).toEqual([])
})

test('hosts that are silent, ill, cordoned, or another organisation’s get nothing new', async () => {
  const hostId = await addHostRow(db(), { capacity: 9 })
  const tried = async (set: object): Promise<unknown> => {
    await keepAlive(db())
    await db()('hosts').update({ admission: 'open', group_org_id: null, ...set })
    const [sessionId] = (await addSessions(1)) as [SessionId]
    const answer = await ask(sessionId)
    return answer.placed ? 'placed' : answer.reason
  }
  expect(await tried({ last_seen_at: db().raw("now() - interval '31 seconds'") })).toBe('No sandbox host is online: waiting for one')
  expect(await tried({ admission: 'cordoned' })).toContain('all hosts that could are cordoned')
  expect(await tried({ admission: 'draining' })).toContain('all hosts that could are being drained')
  expect(await tried({ group_org_id: other.orgId })).toContain('belongs to another organisation')
  const { report } = await db()('hosts').first('report')
  expect(await tried({ report: JSON.stringify({ ...report, problem: 'The disk is full' }) })).toBe(
    'Sandbox host host cannot run sessions: The disk is full',
  )
  await db()('hosts')
    .where({ id: hostId })
    .update({ report: JSON.stringify(report) })
  expect(await tried({ group_org_id: person.orgId })).toBe('placed')
})

test('a reservation is worth nothing once its host is drained, and its session is given another', async () => {
  const first = await addHostRow(db(), { name: 'first', capacity: 1 })
  const [sessionId] = (await addSessions(1)) as [SessionId]
  expect(await ask(sessionId)).toMatchObject({ hostId: first })
  const second = await addHostRow(db(), { name: 'second', capacity: 1 })
  await db()('hosts').where({ id: first }).update({ admission: 'draining' })
  expect(await ask(sessionId)).toMatchObject({ placed: true, hostId: second })
  expect(await claim(sessionId, first)).toMatchObject({ outcome: 'refused', reason: 'The session is given to another host' })
})

test('a stopped session, and one that nobody asks for any more, stand in nobody’s way', async () => {
  await addHostRow(db(), { capacity: 0 })
  const [gone, silent, last] = (await addSessions(3)) as [SessionId, SessionId, SessionId]
  for (const id of [gone, silent]) await ask(id)
  await end(gone)
  await db()('session_places')
    .where({ session_id: silent })
    .update({ seen_at: db().raw("now() - interval '10 minutes'") })
  expect(await ask(last)).toMatchObject({ position: 1, reason: 'Position 1 of 1: 0 of 0 places are taken' })
  expect(await ask(gone)).toMatchObject({ placed: false, reason: 'The session has stopped' })
})

test('two control planes, hosts that claim on their own and sessions that end, all at once: no host is ever given more than it has', async () => {
  const { url } = await connection()
  await using second = url === null ? null : await openDatabase(url, '')
  const planes = [server.context, second === null ? server.context : { ...server.context, db: second.db }]
  const hosts = await Promise.all([1, 2, 3, 4].map((n) => addHostRow(db(), { name: `h${n}`, capacity: 3, roomBytes: 10 * 1024 ** 3 })))
  const sessions = await addSessions(60)
  const problems: string[] = []
  let running = 0
  const one = async (id: SessionId, index: number): Promise<void> => {
    const plane = planes[index % 2] as typeof server.context
    // One in four is claimed as hosts did before the control plane placed.
    const hostId = index % 4 === 3 ? (hosts[index % hosts.length] as HostId) : await hostFor(plane, id)
    const claimed = await claim(id, hostId)
    problems.push(...(await overCommitted(db())))
    if (claimed.outcome !== 'claimed') return
    running += 1
    await end(id)
    await roomChanged(plane)
  }
  await Promise.all(sessions.map(one))
  expect(problems).toEqual([])
  expect(running).toBeGreaterThanOrEqual(45)
}, 120_000)

async function hostFor(plane: typeof server.context, id: SessionId): Promise<HostId> {
  for (;;) {
    const answer = await place(plane, id)
    if (answer.placed) return answer.hostId
    await new Promise((resolve) => setTimeout(resolve, 20))
    await keepAlive(db())
  }
}

/** Where the test's own database can be opened a second time; null: the embedded one cannot. */
async function connection(): Promise<{ url: string | null }> {
  const url = process.env.TEST_DATABASE_URL
  if (url === undefined) return { url: null }
  const { rows } = await db().raw('select current_database() as name')
  return { url: url.replace(/\/postgres(\?|$)/, `/${rows[0].name}$1`) }
}

test('newcomers of one moment are decided about together: as many as there are places begin, and the others wait in line', async () => {
  const hostId = await addHostRow(db(), { capacity: 3 })
  const newcomers = (await addSessions(10)).map((id) => ({ id, orgId: person.orgId }))
  const given = await Promise.all(newcomers.map((one) => placeOfNewcomer(server.context, one)))
  expect(given.filter((host) => host === hostId)).toHaveLength(3)
  expect(given.filter((host) => host === null)).toHaveLength(7)
  const positions = await db()('session_places').whereNull('host_id').orderBy('position').pluck('position')
  expect(positions).toEqual([1, 2, 3, 4, 5, 6, 7])
  for (const [index, { id }] of newcomers.entries()) expect(await ask(id)).toMatchObject({ placed: given[index] === hostId })
  expect(await signalled()).toEqual([])
})

test('a session with a size and labels of its own goes where there is room for it, and its claim says so', async () => {
  const gigabytes = 1024 ** 3
  const room = { roomBytes: 16 * gigabytes, memoryBytes: 16 * gigabytes }
  await addHostRow(db(), { name: 'plain', ...room })
  const gpu = await addHostRow(db(), { name: 'gpu', ...room, labels: { gpu: 'a100' } })
  const on = { params: { projectId } }
  const own = { size: 'custom', customSize: { cpus: 3, memoryMb: 6144, diskMb: 2048 }, hostLabels: { gpu: 'a100' } } as const
  const { id } = await person.call(createSession, { ...on, body: own })
  expect(await ask(id)).toMatchObject({ placed: true, hostId: gpu })
  const claimed = await claim(id, gpu)
  expect(claimed).toMatchObject({ spec: { machine: { cpus: 3, memoryBytes: 6 * gigabytes, diskBytes: 2 * gigabytes } } })
  expect(await db()('agent_sessions').where({ id }).first('memory_mb')).toEqual({ memory_mb: 6144 })
  const plain = await person.call(createSession, { ...on, body: {} })
  expect(await ask(plain.id)).toMatchObject({ placed: true })
  const elsewhere = await person.call(createSession, { ...on, body: { hostLabels: { gpu: 'h200' } } })
  expect(await ask(elsewhere.id)).toMatchObject({ placed: false, reason: expect.stringContaining('label') })
})

test('a size that says too little or too much, and labels that are none, name their field', async () => {
  const faults = (body: object) =>
    person.call(createSession, { params: { projectId }, body }).then(
      () => ({}),
      (error) => error.details.fields,
    )
  expect(await faults({ size: 'custom' })).toEqual({ customSize: expect.stringContaining('say how large') })
  expect(await faults({ size: 'small', customSize: { cpus: 1, memoryMb: 1024, diskMb: 2048 } })).toHaveProperty('customSize')
  expect(await faults({ size: 'custom', customSize: { cpus: 0, memoryMb: 1024, diskMb: 2048 } })).toHaveProperty(['customSize.cpus'])
  expect(await faults({ size: 'huge' })).toHaveProperty('size')
  expect(Object.keys(await faults({ hostLabels: { gpu: 'a b' } }))).toEqual(['hostLabels.gpu'])
})
