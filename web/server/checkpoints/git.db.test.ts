import { join } from 'node:path'
import type { SessionId } from '@helix/contract/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientGit, commitFiles } from '../git/testing.ts'
import { openTestServer, type TestPerson, type TestServer } from '../git/testing-server.ts'
import { mintSessionToken } from '../identity/tokens.ts'
import { SessionStore } from '../sessions/store.ts'
import { sweepCheckpoints } from './sweep.ts'

let server: TestServer
beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

let scenes = 0
async function openScene() {
  const ada = await server.person()
  const repositoryId = await server.repository(ada, 'lib')
  const session = await server.session(ada, repositoryId, 'feature/x')
  const name = `work${++scenes}`
  await clientGit(server.folder, 'clone', '-q', server.cloneUrl(ada, 'lib', session.token), name)
  const work = join(server.folder, name)
  const commit = await commitFiles(work, { 'draft.txt': 'half done\n' }, 'Checkpoint')
  const as = (token: string) => server.cloneUrl(ada, 'lib', token)
  const push = (token: string, ...refs: string[]) =>
    clientGit(work, 'push', '-q', as(token), ...refs).then(
      () => 'accepted',
      (error: { stderr: string }) => error.stderr,
    )
  const seen = async (token: string, protocol = '2') =>
    (await clientGit(work, '-c', `protocol.version=${protocol}`, 'ls-remote', as(token)))
      .split('\n')
      .filter((line) => line.includes('refs/helix'))
  const bare = server.context.gitStorage.folderOf({ orgId: ada.orgId, repositoryId })
  return { ada, repositoryId, session, work, commit, push, seen, bare, as }
}

const refOf = (sessionId: SessionId, n: number | string) => `refs/helix/sessions/${sessionId}/${n}`

/** Tells the control plane of a checkpoint, as the journal does. */
async function record(sessionId: SessionId, commit: string, n: number, at = new Date()): Promise<void> {
  const store = new SessionStore(server.db)
  const row = await store.rowOf(sessionId)
  if (row === null) throw new Error('no session')
  const rest = { cause: 'turn' as const, promptId: null, specs: null, agent: null, leftOut: [] }
  const repositories = [{ name: 'lib', branch: 'feature/x', commit, head: commit }]
  await store.append(row, [{ sequence: n, at: at.toISOString(), payload: { kind: 'checkpoint', n, ...rest, repositories } }])
}

async function fork(ada: TestPerson, of: SessionId, n: number, repositoryId: Awaited<ReturnType<TestServer['repository']>>) {
  const other = await server.session(ada, repositoryId, `feature/fork-${scenes}-${n}`)
  await server.db('agent_sessions').where({ id: other.sessionId }).update({ forked_from: of, forked_from_n: n })
  return other
}

test('a session pushes its own checkpoints, by number and part, and deletes none', async () => {
  const { session, push } = await openScene()
  const { sessionId, token } = session
  expect(
    await push(token, `HEAD:${refOf(sessionId, 1)}`, `HEAD:${refOf(sessionId, '1-agent')}`, `HEAD:${refOf(sessionId, '1-specs')}`),
  ).toBe('accepted')
  for (const odd of ['x', '-agent', '1-other', '1234567'])
    expect(await push(token, `HEAD:${refOf(sessionId, odd)}`)).toMatch(/no checkpoint/)
  expect(await push(token, `:${refOf(sessionId, 1)}`)).toMatch(/may not be deleted by a session/)
  expect(await push(token, '--force', `HEAD~1:${refOf(sessionId, 1)}`)).toBe('accepted')
})

test('no other session, no person and no earlier start reaches them', async () => {
  const { ada, repositoryId, session, push, seen } = await openScene()
  const { sessionId, token } = session
  await push(token, `HEAD:${refOf(sessionId, 1)}`)
  const other = await server.session(ada, repositoryId, 'feature/y')
  for (const stranger of [other.token, ada.key]) {
    expect(await push(stranger, '--force', `HEAD:${refOf(sessionId, 1)}`)).toMatch(/hidden ref/)
    for (const protocol of ['0', '2']) expect(await seen(stranger, protocol)).toEqual([])
  }
  for (const protocol of ['0', '2']) expect(await seen(token, protocol)).toHaveLength(1)
  await mintSessionToken(server.db, { orgId: ada.orgId, sessionId, epoch: 2 })
  expect(await push(token, `HEAD:${refOf(sessionId, 2)}`)).toMatch(/Authentication failed|401/)
})

test('a fork sees the checkpoint it was made from, and no other of that session', async () => {
  const { ada, repositoryId, session, push, seen, commit } = await openScene()
  const { sessionId, token } = session
  await push(
    token,
    `HEAD:${refOf(sessionId, 1)}`,
    `HEAD:${refOf(sessionId, '1-agent')}`,
    `HEAD:${refOf(sessionId, 2)}`,
    `HEAD:${refOf(sessionId, 12)}`,
  )
  await record(sessionId, commit, 1)
  const forked = await fork(ada, sessionId, 1, repositoryId)
  expect((await seen(forked.token)).map((line) => line.split('/').at(-1))).toEqual(['1', '1-agent'])
  expect(await push(forked.token, '--force', `HEAD~1:${refOf(sessionId, 1)}`)).toMatch(/may not push/)
})

test('a checkpoint is nobody’s push', async () => {
  const { repositoryId, session, push } = await openScene()
  await push(session.token, `HEAD:${refOf(session.sessionId, 1)}`)
  await push(session.token, 'HEAD:feature/x', `HEAD:${refOf(session.sessionId, 2)}`)
  const pushes = await server.db('pushes').where({ repository_id: repositoryId }).select('ref')
  expect(pushes.map(({ ref }) => ref)).toEqual(['refs/heads/feature/x'])
})

test('the last twenty are kept, and the newest of each day before; what a fork has yet to begin with stays', async () => {
  const { ada, repositoryId, session, push, commit, seen } = await openScene()
  const { sessionId, token } = session
  const refs = Array.from({ length: 26 }, (_, index) => `HEAD:${refOf(sessionId, index + 1)}`)
  await push(token, ...refs)
  const day = (n: number) => new Date(Date.UTC(2026, 0, n <= 3 ? 1 : n <= 6 ? 2 : 3, 0, n))
  for (let n = 1; n <= 26; n++) await record(sessionId, commit, n, day(n))
  await fork(ada, sessionId, 2, repositoryId)
  await sweepCheckpoints(server.context)
  const kept = await server.db('checkpoints').where({ session_id: sessionId }).orderBy('n').pluck('n')
  expect(kept).toEqual([2, 3, 6, ...Array.from({ length: 20 }, (_, index) => index + 7)])
  expect((await seen(token)).map((line) => Number(line.split('/').at(-1))).sort((a, b) => a - b)).toEqual(kept)
})

test('what is told twice is kept once, and goes with the session’s project', async () => {
  const { session, push, commit, bare } = await openScene()
  const { sessionId, token } = session
  await push(token, `HEAD:${refOf(sessionId, 1)}`, `HEAD:${refOf(sessionId, '1-agent')}`)
  await record(sessionId, commit, 1)
  await record(sessionId, commit, 1)
  expect(await server.db('checkpoints').where({ session_id: sessionId })).toHaveLength(1)
  const events = await server.db('events').whereRaw("payload->>'sessionId' = ?", [sessionId]).andWhere({ type: 'session.changed' })
  expect(events).toHaveLength(1)
  const { project_id } = await server.db('agent_sessions').where({ id: sessionId }).first('project_id')
  await server.db('projects').where({ id: project_id }).delete()
  await sweepCheckpoints(server.context)
  expect(await clientGit(bare, 'for-each-ref', 'refs/helix')).toBe('')
  expect(await server.db('checkpoint_refs').where({ session_id: sessionId })).toEqual([])
})
