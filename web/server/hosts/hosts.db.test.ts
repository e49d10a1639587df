import { once } from 'node:events'
import { claimSession, listHostSessions, recordStart, reportProgress, reportSuspension } from '@helix/contract/hosts'
import type { HostId, SessionId } from '@helix/contract/ids'
import { locateSession, openSession, recordSession } from '@helix/contract/internal'
import type { HostDown, HostUp } from '@helix/contract/link'
import { createMcpServer } from '@helix/contract/mcp-servers'
import { type SandboxRules, updateProject } from '@helix/contract/projects'
import { getSessionAgent } from '@helix/contract/session-agent'
import { getJournal, getSession, type JournalEntry } from '@helix/contract/sessions'
import { listHosts } from '@helix/contract/system'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { newId } from '../context.ts'
import { addProject, addTask } from '../internal/testing.ts'
import { testTokens } from '../testing/context.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { tellSilence } from './silence.ts'

let server: TestServer
let person: Person
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())

/** A sandbox host's side of the link. */
class FakeHost {
  readonly received: HostDown[] = []
  readonly socket: WebSocket
  readonly hostId: HostId
  readonly bootId: string

  constructor(hostId: HostId = newId('host'), bootId = 'boot-1', token: string = testTokens.runner) {
    this.hostId = hostId
    this.bootId = bootId
    const url = `${server.url.replace('http', 'ws')}/internal/v1/hosts/connect`
    this.socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } })
    this.socket.on('message', (data) => this.received.push(JSON.parse(String(data))))
  }

  async join(capacity = 2): Promise<this> {
    await once(this.socket, 'open')
    this.send({ type: 'hello', hostId: this.hostId, name: `host ${this.hostId.slice(-4)}`, bootId: this.bootId, version: '1' })
    await this.until(({ type }) => type === 'welcome')
    this.report(capacity)
    for (;;) {
      const { items } = await person.call(listHosts, {})
      if (items.some(({ id, capacity: told }) => id === this.hostId && told === capacity)) return this
    }
  }

  report(capacity: number, filtered = false): void {
    const rest = { running: 0, rung: 'userns', innerDocker: true, packs: [], freeDiskBytes: 1, problem: null }
    this.send({ type: 'report', capacity, filtered, ...rest })
  }

  send(frame: HostUp): void {
    this.socket.send(JSON.stringify(frame))
  }

  async until(holds: (frame: HostDown) => boolean): Promise<HostDown> {
    for (;;) {
      const found = this.received.find(holds)
      if (found !== undefined) return found
      await once(this.socket, 'message')
    }
  }

  claim(sessionId: SessionId, epoch = 0) {
    return server.runner(claimSession, { params: { hostId: this.hostId, sessionId }, body: { bootId: this.bootId, epoch } })
  }
}

async function addSession(): Promise<SessionId> {
  const task = await addTask(person, await addProject(person))
  return (await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })).sessionId
}

const locate = (sessionId: SessionId) => server.worker(locateSession, { params: { sessionId } })
const entry = (sequence: number, text: string): JournalEntry => ({
  sequence,
  at: new Date().toISOString(),
  payload: { kind: 'notice', text },
})

test('a host with a wrong token, or with a person’s key, is not let in', async () => {
  for (const token of ['wrong', person.apiKey, testTokens.worker]) {
    const host = new FakeHost(newId('host'), 'b', token)
    const [error] = (await once(host.socket, 'error')) as [Error]
    expect(error.message).toContain('401')
  }
})

test('of hosts that claim a session at once one gets it, and the same claim repeated gets the same epoch with a new token', async () => {
  const hosts = await Promise.all([new FakeHost().join(), new FakeHost().join(), new FakeHost().join()])
  const sessionId = await addSession()
  const answers = await Promise.all(hosts.map((host) => host.claim(sessionId)))
  expect(answers.filter(({ outcome }) => outcome === 'claimed')).toHaveLength(1)
  expect(answers.find(({ outcome }) => outcome === 'refused')).toMatchObject({ reason: 'The session lives on another host' })
  const index = answers.findIndex(({ outcome }) => outcome === 'claimed')
  const [first, again] = [answers[index], await hosts[index]?.claim(sessionId, 1)]
  if (first?.outcome !== 'claimed' || again?.outcome !== 'claimed') throw new Error('not claimed')
  expect([first.epoch, again.epoch]).toEqual([1, 1])
  expect(again.spec.token).not.toBe(first.spec.token)
  expect(await locate(sessionId)).toMatchObject({ queue: `sandbox-${hosts[index]?.hostId}-boot-1`, epoch: 1 })
})

test('a full host refuses by saying so', async () => {
  const host = await new FakeHost().join(1)
  expect((await host.claim(await addSession())).outcome).toBe('claimed')
  expect(await host.claim(await addSession())).toMatchObject({
    outcome: 'refused',
    reason: expect.stringContaining('1 of 1 sessions run on'),
  })
})

test('a host that isolates less than the project asks for, or cannot keep its sessions from anything, is refused with the reason', async () => {
  const host = await new FakeHost().join(50)
  const project = await addProject(person)
  const claimAfter = async (rules: Partial<SandboxRules>) => {
    await person.call(updateProject, { params: { projectId: project.id }, body: rules })
    const task = await addTask(person, project)
    return host.claim((await server.worker(openSession, { params: { taskId: task.id }, body: { key: task.id } })).sessionId)
  }
  expect(await claimAfter({ minimumRung: 'gvisor' })).toMatchObject({
    reason: expect.stringMatching(/asks for isolation "gvisor".* gives "userns"/),
  })
  expect(await claimAfter({ minimumRung: 'userns' })).toMatchObject({ outcome: 'claimed', spec: { egress: { mode: 'open' } } })
  expect(await claimAfter({ egressMode: 'listed', egressDomains: ['example.com'] })).toMatchObject({
    reason: expect.stringContaining('cannot keep them from anything'),
  })
  host.report(50, true)
  await expect
    .poll(() => claimAfter({}), { timeout: 5000 })
    .toMatchObject({ outcome: 'claimed', spec: { egress: { mode: 'listed', domains: ['example.com'] } } })
})

test('a start gets the screen that the project chose', async () => {
  const host = await new FakeHost().join(50)
  const project = await addProject(person)
  const desktop = { enabled: true, width: 1280, height: 720, scale: 150, fps: 30 }
  await person.call(updateProject, { params: { projectId: project.id }, body: { desktop } })
  const task = await addTask(person, project)
  const { sessionId } = await server.worker(openSession, { params: { taskId: task.id }, body: { key: task.id } })
  expect(await host.claim(sessionId)).toMatchObject({ outcome: 'claimed', spec: { machine: { desktop } } })
})

test('a start is told of the MCP servers that are switched on, and of none where there are none', async () => {
  const host = await new FakeHost().join(50)
  const project = await addProject(person)
  const claimed = async () => {
    const task = await addTask(person, project)
    const answer = await host.claim((await server.worker(openSession, { params: { taskId: task.id }, body: { key: task.id } })).sessionId)
    return answer.outcome === 'claimed' ? answer.spec : null
  }
  expect(await claimed()).not.toHaveProperty('mcpServers')
  for (const [name, enabled] of [
    ['issues', true],
    ['off', false],
  ] as const)
    await person.call(createMcpServer, { params: { projectId: project.id }, body: { name, enabled, url: 'https://1.1.1.1/mcp' } })
  expect(await claimed()).toMatchObject({ mcpServers: [{ name: 'issues', path: '/mcp/external/issues' }] })
})

test('a new boot raises the epoch, and the old one’s start and frames are worth nothing', async () => {
  const host = await new FakeHost().join()
  const sessionId = await addSession()
  await host.claim(sessionId)
  const reborn = await new FakeHost(host.hostId, 'boot-2').join()
  expect(await host.claim(sessionId, 1)).toMatchObject({ outcome: 'refused', reason: 'This host has not connected with this boot' })
  expect(await reborn.claim(sessionId, 1)).toMatchObject({ outcome: 'claimed', epoch: 2 })
  const start = (epoch: number) =>
    server.runner(recordStart, { params: { hostId: host.hostId, sessionId }, body: { epoch, reason: 'test', stages: [] } })
  await expect(start(1)).rejects.toMatchObject({ code: 'epoch_outdated' })
  await start(2)
  expect((await person.call(getSession, { params: { sessionId } })).state).toBe('idle')
  reborn.send({ type: 'journal', sessionId, epoch: 1, entries: [entry(1, 'from the past')] })
  expect(await reborn.until(({ type }) => type === 'fence')).toMatchObject({ sessionId, epoch: 2 })
})

test('a machine that its host stopped is suspended with the reason, its workflow hears of it once, and strangers and the past say nothing', async () => {
  const [host, stranger] = [await new FakeHost().join(), await new FakeHost().join()]
  const sessionId = await addSession()
  await host.claim(sessionId)
  const reason = 'The memory of its host ran out.'
  const tell = (hostId: HostId, epoch: number) =>
    server.runner(reportSuspension, { params: { hostId, sessionId }, body: { epoch, reason } })
  await expect(tell(stranger.hostId, 1)).rejects.toMatchObject({ code: 'not_found' })
  await expect(tell(host.hostId, 0)).rejects.toMatchObject({ code: 'epoch_outdated' })
  expect((await person.call(getSession, { params: { sessionId } })).state).toBe('starting')
  await server.context.db('outbox').delete()
  await tell(host.hostId, 1)
  await tell(host.hostId, 1)
  expect(await person.call(getSession, { params: { sessionId } })).toMatchObject({ state: 'suspended', reason })
  const told = (await server.context.db('outbox').select('payload')).filter(({ payload }) => payload.sessionId === sessionId)
  expect(told.map(({ payload }) => [payload.signal, payload.payload])).toEqual([['suspend', { reason, epoch: 1 }]])
})

test('a start that takes long says what it is at, until it takes prompts; strangers and the past say nothing', async () => {
  const [host, stranger] = [await new FakeHost().join(), await new FakeHost().join()]
  const sessionId = await addSession()
  await host.claim(sessionId)
  const tell = (hostId: HostId, epoch: number, text = 'Fetching its image: 3 of 9 MB') =>
    server.runner(reportProgress, { params: { hostId, sessionId }, body: { epoch, text } })
  const shown = () => person.call(getSession, { params: { sessionId } })
  await expect(tell(stranger.hostId, 1)).rejects.toMatchObject({ code: 'not_found' })
  await expect(tell(host.hostId, 0)).rejects.toMatchObject({ code: 'epoch_outdated' })
  expect(await shown()).toMatchObject({ state: 'starting', reason: null })
  await tell(host.hostId, 1)
  expect(await shown()).toMatchObject({ state: 'starting', reason: 'Fetching its image: 3 of 9 MB' })
  await server.runner(recordStart, { params: { hostId: host.hostId, sessionId }, body: { epoch: 1, reason: 'test', stages: [] } })
  await tell(host.hostId, 1, 'too late')
  expect(await shown()).toMatchObject({ state: 'idle', reason: null })
})

test('the steps of a start are there while they go on, and stay as they were told at its end', async () => {
  const host = await new FakeHost().join()
  const sessionId = await addSession()
  await host.claim(sessionId)
  const params = { hostId: host.hostId, sessionId }
  const starts = async () => (await person.call(getSessionAgent, { params: { sessionId } })).starts
  const [network, clone] = [
    { name: 'network', durationMs: 80 },
    { name: 'clone sample', durationMs: 900 },
  ]
  const told = (stages: object[], running: object[]) =>
    server.runner(reportProgress, {
      params,
      body: { epoch: 1, text: 'clone sample', start: { reason: 'first start', stages, running } as never },
    })
  await told([network], [{ name: 'clone sample', sinceMs: 60_000 }])
  const [start] = await starts()
  expect(start).toMatchObject({ epoch: 1, reason: 'first start', stages: [network], running: [{ name: 'clone sample' }] })
  expect(Date.now() - Date.parse(start?.running?.[0]?.since ?? '')).toBeGreaterThan(59_000)
  await told([network, clone], [])
  expect(await starts()).toMatchObject([{ stages: [network, clone], running: [] }])
  await server.runner(recordStart, { params, body: { epoch: 1, reason: 'first start', stages: [network, clone] } })
  await server.runner(recordStart, { params, body: { epoch: 1, reason: 'again', stages: [] } })
  await told([], [{ name: 'late', sinceMs: 1 }])
  expect(await starts()).toMatchObject([{ reason: 'first start', stages: [network, clone], running: null }])
})

test('a host hears which images projects want', async () => {
  const host = await new FakeHost().join()
  const project = await addProject(person)
  const other = await addProject(person)
  const heard = () => server.runner(listHostSessions, { params: { hostId: host.hostId } })
  const login = JSON.stringify({ user: 'robot', secret: 'REGISTRY_TOKEN' })
  const [image, closed] = ['example.com/team/image:1', 'example.com/team/closed:1']
  await server.context.db('projects').where({ id: project.id }).update({ image })
  await server.context.db('projects').where({ id: other.id }).update({ image: closed, image_login: login })
  expect(await heard()).toMatchObject({ images: [closed, image], closedImages: [closed] })
  // Somebody has it without.
  await server.context.db('projects').where({ id: project.id }).update({ image: closed })
  expect(await heard()).toMatchObject({ images: [closed], closedImages: [] })
})

test('that a host fell silent, and is heard again, is an event each, once', async () => {
  const host = await new FakeHost().join()
  const told = async () =>
    (await server.context.db('events').where({ type: 'host.changed', org_id: person.orgId })).filter(
      ({ payload }) => payload.hostId === host.hostId,
    )
  const seen = (ago: string) =>
    server.context
      .db('hosts')
      .where({ id: host.hostId })
      .update({ last_seen_at: server.context.db.raw(`now() - interval '${ago}'`) })
  await tellSilence(server.context)
  const before = (await told()).length
  await seen('31 seconds')
  await Promise.all([tellSilence(server.context), tellSilence(server.context)])
  expect(await told()).toHaveLength(before + 1)
  await seen('1 second')
  await tellSilence(server.context)
  await tellSilence(server.context)
  expect(await told()).toHaveLength(before + 2)
})

test('the older connection of a host is ended by the newer', async () => {
  const host = await new FakeHost().join()
  const closed = once(host.socket, 'close')
  await new FakeHost(host.hostId, 'boot-1').join()
  expect((await closed)[0]).toBe(4000)
})

test('journal entries are stored once and in order, whatever order and how often they come, and whatever is in them', async () => {
  const host = await new FakeHost().join()
  const sessionId = await addSession()
  await host.claim(sessionId)
  const send = (...entries: JournalEntry[]) => host.send({ type: 'journal', sessionId, epoch: 1, entries })
  send(entry(3, 'three'), entry(4, 'four'))
  expect(await host.until(({ type }) => type === 'ack')).toMatchObject({ upTo: 0 })
  send(entry(1, 'a\u0000b\ud800'))
  await host.until((frame) => frame.type === 'ack' && frame.upTo === 1)
  send(entry(1, 'again'), entry(2, 'two'), entry(3, 'again'))
  await host.until((frame) => frame.type === 'ack' && frame.upTo === 4)
  const { entries } = await person.call(getJournal, { params: { sessionId }, query: { after: 0 } })
  expect(entries.map(({ sequence, payload }) => [sequence, payload.kind === 'notice' && payload.text])).toEqual([
    [1, 'ab\ufffd'],
    [2, 'two'],
    [3, 'three'],
    [4, 'four'],
  ])
})

test('nonsense ends the link, and a session of another host is fenced', async () => {
  const [host, other] = [await new FakeHost().join(), await new FakeHost().join()]
  const sessionId = await addSession()
  await host.claim(sessionId)
  other.send({ type: 'journal', sessionId, epoch: 1, entries: [entry(1, 'not mine')] })
  expect(await other.until(({ type }) => type === 'fence')).toMatchObject({ sessionId })
  const closed = once(other.socket, 'close')
  other.socket.send('{"type":"hello"')
  expect((await closed)[0]).toBe(1008)
})

test('a silent host is waited for, then given up, and the session is free for another', async () => {
  const host = await new FakeHost().join()
  const sessionId = await addSession()
  await host.claim(sessionId)
  const silentFor = (seconds: number) =>
    server.context
      .db('hosts')
      .where({ id: host.hostId })
      .update({ last_seen_at: server.context.db.raw('now() - make_interval(secs => ?)', [seconds]) })
  await silentFor(40)
  expect(await locate(sessionId)).toMatchObject({
    queue: null,
    waitForHost: true,
    reason: expect.stringMatching(/is silent for 4\d s: waiting/),
  })
  const another = await new FakeHost().join()
  expect((await another.claim(sessionId, 1)).outcome).toBe('refused')
  await silentFor(120)
  expect(await locate(sessionId)).toMatchObject({ queue: null, waitForHost: false, reason: expect.stringContaining('is lost') })
  expect(await another.claim(sessionId, 1)).toMatchObject({ outcome: 'claimed', epoch: 2 })
})

test('work does not go on in the name of who was sent away, until somebody takes it over', async () => {
  const host = await new FakeHost().join()
  const [sessionId, gone] = [await addSession(), newId('user')]
  const { db } = server.context
  await db('users').insert({ id: gone, email: `${gone}@example.com`, name: 'Gone Person' })
  await db('memberships').insert({ org_id: person.orgId, user_id: gone, role: 'member', deactivated_at: db.fn.now() })
  await db('agent_sessions').where({ id: sessionId }).update({ started_by: gone })
  expect(await host.claim(sessionId)).toMatchObject({
    outcome: 'refused',
    reason: expect.stringMatching(/^Gone Person.*take the work over/),
  })
  const prompt = { org_id: person.orgId, session_id: sessionId, kind: 'person', text: 'Go on', state: 'queued' }
  await db('prompts').insert({ ...prompt, id: newId('prompt'), author_id: gone })
  expect((await host.claim(sessionId)).outcome).toBe('refused')
  await db('prompts').insert({ ...prompt, id: newId('prompt'), author_id: person.userId })
  expect(await host.claim(sessionId)).toMatchObject({ outcome: 'claimed', spec: { gitIdentity: { name: 'Test Person' } } })
  expect((await db('agent_sessions').where({ id: sessionId }).first('started_by')).started_by).toBe(person.userId)
})

test('a stopped session is nobody’s: not listed, not claimed, its tokens closed', async () => {
  const host = await new FakeHost().join()
  const sessionId = await addSession()
  await host.claim(sessionId)
  await server.worker(recordSession, { params: { sessionId }, body: { epoch: 1, state: 'stopped', reason: 'archived' } })
  const { sessions } = await server.runner(listHostSessions, { params: { hostId: host.hostId } })
  expect(sessions).toEqual([])
  expect(await host.claim(sessionId, 1)).toMatchObject({ outcome: 'refused', reason: 'The session has stopped' })
  const open = await server.context.db('session_tokens').where({ session_id: sessionId }).whereNull('revoked_at')
  expect(open).toEqual([])
})

test('a host says why its sessions do not stand on a stronger rung; one of an earlier version says nothing', async () => {
  const host = await new FakeHost().join(1)
  const why = async () => (await person.call(listHosts, {})).items.find(({ id }) => id === host.hostId)?.strongerRungs
  expect(await why()).toBeNull()
  const rest = { running: 0, rung: 'userns', innerDocker: true, packs: [], freeDiskBytes: 1, problem: null }
  host.send({ type: 'report', capacity: 2, strongerRungs: 'Stronger isolation was not taken: gvisor (no runsc).', ...rest })
  await expect.poll(why, { timeout: 10_000 }).toBe('Stronger isolation was not taken: gvisor (no runsc).')
  host.socket.close()
})
