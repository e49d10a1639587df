import { forkCheckpoint, listCheckpoints } from '@helix/contract/checkpoints'
import { HelixError } from '@helix/contract/errors'
import { claimSession } from '@helix/contract/hosts'
import type { SessionId } from '@helix/contract/ids'
import { recordSession } from '@helix/contract/internal'
import { namedSizes } from '@helix/contract/machine'
import type { Project } from '@helix/contract/projects'
import { createSession } from '@helix/contract/session-life'
import { getSession, type JournalPayload } from '@helix/contract/sessions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addProject } from '../internal/testing.ts'
import { SessionStore } from '../sessions/store.ts'
import { FakeMachine, MachineHost } from '../testing/machine.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let person: Person
let stranger: Person
let project: Project
let machine: FakeMachine
let host: MachineHost
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
  stranger = await server.addPerson()
  project = await addProject(person)
  machine = await FakeMachine.open()
  host = await MachineHost.join(server.url, machine)
})
afterAll(async () => {
  host[Symbol.dispose]()
  await machine[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const commit = 'c'.repeat(40)
const head = 'a'.repeat(40)
const failure = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof HelixError ? error.code : error),
  )
const begin = async (): Promise<SessionId> =>
  (await person.call(createSession, { params: { projectId: project.id }, body: { title: 'A try' } })).id

let sequence = 0
async function tell(sessionId: SessionId, ...payloads: JournalPayload[]): Promise<void> {
  const store = new SessionStore(server.context.db)
  const row = await store.rowOf(sessionId)
  if (row === null) throw new Error('no session')
  const at = new Date().toISOString()
  await store.append(
    row,
    payloads.map((payload) => ({ sequence: ++sequence, at, payload })),
  )
}
const kept = (n: number, agent = true): JournalPayload => ({
  kind: 'checkpoint',
  n,
  cause: 'turn',
  promptId: null,
  repositories: [{ name: project.repositories[0]?.name ?? '', branch: 'feature/x', commit, head }],
  specs: null,
  agent: agent ? { commit, runtime: 'goose_code', session: 'conversation' } : null,
  leftOut: ['big.bin (2.0 GB) is too large'],
})
const claim = async (sessionId: SessionId) => {
  const claimed = await server.runner(claimSession, { params: { hostId: host.hostId, sessionId }, body: { bootId: 'boot', epoch: 0 } })
  if (claimed.outcome !== 'claimed') throw new Error(claimed.reason)
  return claimed.spec.kept
}

test('a session lists its checkpoints, the newest first, by pages, and without what opens them', async () => {
  const sessionId = await begin()
  await tell(sessionId, kept(1), kept(2, false), kept(3))
  const params = { sessionId }
  const first = await person.call(listCheckpoints, { params, query: { limit: 2 } })
  expect(first.items.map(({ n, conversation }) => [n, conversation])).toEqual([
    [3, true],
    [2, false],
  ])
  expect(first.items[0]).toMatchObject({ leftOut: ['big.bin (2.0 GB) is too large'], repositories: [{ branch: 'feature/x' }] })
  expect(JSON.stringify(first)).not.toContain(commit)
  const rest = await person.call(listCheckpoints, { params, query: { limit: 2, cursor: first.nextCursor ?? '' } })
  expect([rest.items.map(({ n }) => n), rest.nextCursor]).toEqual([[1], null])
  expect(await failure(person.call(listCheckpoints, { params, query: { cursor: 'x' } }))).toBe('invalid_request')
})

test('a fork is a session of the same project and agent that begins with the checkpoint', async () => {
  const sessionId = await begin()
  await tell(sessionId, kept(1), kept(2))
  const forked = await person.call(forkCheckpoint, { params: { sessionId, n: 1 }, body: {} })
  expect(forked).toMatchObject({ projectId: project.id, taskId: null, title: 'A try, from checkpoint 1', state: 'queued' })
  expect(await claim(forked.id)).toMatchObject({ last: 0, from: { sessionId, n: 1, agent: { session: 'conversation' } }, turn: null })
  // Its own newest one counts from then on.
  await tell(forked.id, kept(1))
  expect(await claim(forked.id)).toMatchObject({ last: 1, from: { sessionId: forked.id, n: 1 } })
})

test('a fork has the size of machine that its session was given, and a session without one its project’s', async () => {
  const customSize = { cpus: 1.5, memoryMb: 3072, diskMb: 4096 }
  const body = { title: 'Wide', size: 'custom' as const, customSize }
  const { id: sessionId, machine } = await person.call(createSession, { params: { projectId: project.id }, body })
  expect(machine).toEqual({ size: 'custom', ...customSize })
  await tell(sessionId, kept(1))
  const forked = await person.call(forkCheckpoint, { params: { sessionId, n: 1 }, body: {} })
  expect(forked.machine).toEqual(machine)
  const plain = await person.call(getSession, { params: { sessionId: await begin() } })
  expect(plain.machine).toEqual({ size: 'medium', ...namedSizes.medium })
})

test('a new life of a session does not begin with what an earlier one kept, and counts on', async () => {
  const sessionId = await begin()
  await claim(sessionId)
  await tell(sessionId, kept(1))
  expect(await claim(sessionId)).toMatchObject({ last: 1, from: { n: 1 } })
  await server.worker(recordSession, { params: { sessionId }, body: { epoch: 99, state: 'queued', reason: 'Its time to live is over' } })
  expect(await claim(sessionId)).toMatchObject({ last: 1, from: null })
  await tell(sessionId, kept(2))
  expect(await claim(sessionId)).toMatchObject({ last: 2, from: { n: 2 } })
})

test('a stranger sees no checkpoint and forks none; what is not there is not found', async () => {
  const sessionId = await begin()
  await tell(sessionId, kept(1))
  expect(await failure(stranger.call(listCheckpoints, { params: { sessionId } }))).toBe('not_found')
  expect(await failure(stranger.call(forkCheckpoint, { params: { sessionId, n: 1 }, body: {} }))).toBe('not_found')
  expect(await failure(person.call(forkCheckpoint, { params: { sessionId, n: 7 }, body: {} }))).toBe('not_found')
})

test('a start is told the newest prompt of the journal and how its turn ended', async () => {
  const sessionId = await begin()
  const prompt = (promptId: string): JournalPayload => ({ kind: 'prompt', promptId, origin: 'person', author: null, text: 'Go' })
  expect(await claim(sessionId)).toEqual({ last: 0, from: null, turn: null })
  await tell(sessionId, prompt('one'), { kind: 'turn_end', promptId: 'one', outcome: 'end_turn', message: null })
  expect((await claim(sessionId)).turn).toEqual({
    promptId: 'one',
    end: { promptId: 'one', outcome: 'end_turn', message: null, retryable: false },
  })
  await tell(sessionId, prompt('two'))
  expect((await claim(sessionId)).turn).toEqual({ promptId: 'two', end: null })
})
