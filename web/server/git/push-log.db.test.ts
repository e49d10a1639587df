import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newId } from '../context.ts'
import { noteIntent } from './intents.ts'
import type { PushListener, RecordedPush } from './push-log.ts'
import { clientGit, commitFiles } from './testing.ts'
import { openTestServer, type TestServer } from './testing-server.ts'

const heard: { push: RecordedPush; paths: string[] }[] = []
let broken = false
const listener: PushListener = async (_trx, push, paths) => {
  if (broken) throw new Error('the listener is broken')
  heard.push({ push, paths })
}

let server: TestServer
beforeAll(async () => {
  server = await openTestServer({ listeners: [listener] })
})
afterAll(() => server[Symbol.asyncDispose]())

let scenes = 0
async function openScene() {
  heard.length = 0
  const ada = await server.person()
  const repositoryId = await server.repository(ada, 'lib')
  const repo = { orgId: ada.orgId, repositoryId }
  const bare = server.context.gitStorage.folderOf(repo)
  const folder = join(server.folder, `scene${++scenes}`)
  await mkdir(folder)
  await clientGit(folder, 'clone', '-q', server.cloneUrl(ada, 'lib', ada.key), 'work')
  const work = join(folder, 'work')
  return {
    ada,
    repo,
    bare,
    work,
    pushes: () => server.db('pushes').where({ repository_id: repositoryId }).orderBy('created_at').select('*'),
    events: () => server.db('events').where({ org_id: ada.orgId, type: 'repository.pushed' }).select('payload'),
    refs: async () =>
      new Map((await server.db('repository_refs').where({ repository_id: repositoryId })).map((row) => [row.ref, row.commit])),
    intents: async () => (existsSync(join(bare, 'helix-intents')) ? readdir(join(bare, 'helix-intents')) : []),
  }
}

test('listeners hear a push once, with the paths that changed', async () => {
  const scene = await openScene()
  await commitFiles(scene.work, { 'README.md': 'new\n', 'src/new.js': '' }, 'two files')
  await clientGit(scene.work, 'push', '-q', 'origin', 'HEAD:feature/x')
  await Promise.all([server.context.pushes.flush(scene.repo), server.context.pushes.reconcile(scene.repo)])
  expect(heard.map(({ push, paths }) => [push.ref, paths])).toEqual([['refs/heads/feature/x', ['README.md', 'src/new.js']]])
  expect(await scene.intents()).toEqual([])
})

test('a push whose recording fails is accepted and recorded by the sweep', async () => {
  const scene = await openScene()
  broken = true
  const head = await commitFiles(scene.work, { 'x.txt': '' }, 'x')
  await clientGit(scene.work, 'push', '-q', 'origin', 'main')
  expect(await scene.pushes()).toEqual([])
  expect(await scene.events()).toEqual([])
  broken = false
  await vi.waitFor(async () => expect(await scene.pushes()).toMatchObject([{ new_commit: head }]), 5000)
  expect(await scene.events()).toHaveLength(1)
  // The intent goes away only after its row is written.
  await vi.waitFor(async () => expect(await scene.intents()).toEqual([]), 5000)
})

test('two pushes that failed to be recorded are recorded in their order', async () => {
  const scene = await openScene()
  broken = true
  const heads: string[] = []
  for (const name of ['one', 'two', 'three']) {
    heads.push(await commitFiles(scene.work, { [name]: '' }, name))
    await clientGit(scene.work, 'push', '-q', 'origin', 'main')
  }
  broken = false
  await server.context.pushes.flush(scene.repo)
  expect(heard.map(({ push }) => push.newCommit)).toEqual(heads)
  expect((await scene.refs()).get('refs/heads/main')).toBe(heads[2])
})

test('what moves without a push becomes a push of nobody, once', async () => {
  const scene = await openScene()
  const first = await clientGit(scene.bare, 'rev-list', '--max-parents=0', 'main')
  await clientGit(scene.bare, 'update-ref', 'refs/heads/by-hand', first)
  await clientGit(scene.bare, 'update-ref', 'refs/heads/main', first)
  await server.context.pushes.flush(scene.repo)
  expect(await scene.pushes()).toEqual([])
  await Promise.all([server.context.pushes.reconcile(scene.repo), server.context.pushes.reconcileAll()])
  await server.context.pushes.reconcile(scene.repo)
  const rows = await scene.pushes()
  expect(rows.map((row) => [row.ref, row.user_id, row.session_id]).sort()).toEqual([
    ['refs/heads/by-hand', null, null],
    ['refs/heads/main', null, null],
  ])
})

test('pushes while every repository is reconciled are recorded once and as their pusher’s', async () => {
  const scene = await openScene()
  let pushing = true
  const reconciling = (async () => {
    while (pushing) await server.context.pushes.reconcile(scene.repo)
  })()
  for (let index = 0; index < 8; index++) {
    await commitFiles(scene.work, { [`${index}.txt`]: '' }, `push ${index}`)
    await clientGit(scene.work, 'push', '-q', 'origin', 'main', `HEAD:refs/heads/b${index}`)
  }
  pushing = false
  await reconciling
  const rows = await scene.pushes()
  expect(rows).toHaveLength(16)
  expect(new Set(rows.map((row) => row.user_id))).toEqual(new Set([scene.ada.userId]))
})

test('a second control plane on the same database and folder records nothing twice', async () => {
  const scene = await openScene()
  const keep = { path: server.folder, [Symbol.asyncDispose]: async () => undefined }
  const database = { db: server.db, [Symbol.asyncDispose]: async () => undefined }
  await using second = await openTestServer({ folder: keep, database })
  const remote = `${second.url.replace('://', `://x:${scene.ada.key}@`)}/git/${scene.ada.slug}/lib.git`
  for (let index = 0; index < 6; index++) {
    await commitFiles(scene.work, { [`${index}.txt`]: '' }, `push ${index}`)
    const pushed = clientGit(scene.work, 'push', '-q', index % 2 === 0 ? remote : 'origin', 'main')
    const both = [server, second].map((one) => one.context.pushes.reconcile(scene.repo))
    await Promise.all([pushed, ...both])
  }
  await Promise.all([server, second].map((one) => one.context.pushes.flush(scene.repo)))
  const rows = await scene.pushes()
  expect(rows).toHaveLength(6)
  expect(rows.filter((row) => row.user_id === null)).toEqual([])
  expect(await scene.events()).toHaveLength(6)
})

test('the intent of a push that still runs is kept; one that came to nothing goes', async () => {
  const scene = await openScene()
  const main = await clientGit(scene.bare, 'rev-parse', 'main')
  const move = { ref: 'refs/heads/soon', oldCommit: null, newCommit: main }
  const pusher = { kind: 'person' as const, id: scene.ada.userId }
  const running = newId('push')
  server.context.gitStorage.running.add(running)
  await noteIntent(scene.bare, running, pusher, move)
  await server.context.pushes.flush(scene.repo)
  expect(await scene.intents()).toEqual([running])
  await clientGit(scene.bare, 'update-ref', 'refs/heads/soon', main)
  server.context.gitStorage.running.delete(running)
  await server.context.pushes.flush(scene.repo)
  expect(await scene.pushes()).toMatchObject([{ id: running, ref: 'refs/heads/soon' }])
  const never = newId('push')
  await noteIntent(scene.bare, never, pusher, { ...move, ref: 'refs/heads/never' })
  await server.context.pushes.flush(scene.repo)
  expect(await scene.intents()).toEqual([])
  expect(await scene.pushes()).toHaveLength(1)
})

test('an unreadable intent stops nothing', async () => {
  const scene = await openScene()
  await mkdir(join(scene.bare, 'helix-intents'), { recursive: true })
  await writeFile(join(scene.bare, 'helix-intents', newId('push')), '')
  await commitFiles(scene.work, { 'x.txt': '' }, 'x')
  await clientGit(scene.work, 'push', '-q', 'origin', 'main')
  expect(await scene.pushes()).toHaveLength(1)
})

test('a push broken off in the middle changes nothing and ends its processes', async () => {
  const scene = await openScene()
  const abort = new AbortController()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode('0094'))
      await wait(50)
    },
  })
  const sent = fetch(`${server.url}/git/${scene.ada.slug}/lib.git/git-receive-pack`, {
    method: 'POST',
    headers: { authorization: `Bearer ${scene.ada.key}`, 'content-type': 'application/x-git-receive-pack-request' },
    body,
    duplex: 'half',
    signal: abort.signal,
  } as RequestInit)
  await vi.waitFor(() => expect(server.context.gitStorage.running.size).toBe(1))
  abort.abort()
  await expect(sent).rejects.toThrow()
  await vi.waitFor(() => expect(server.context.gitStorage.running.size).toBe(0), 8000)
  expect(await scene.pushes()).toEqual([])
})
