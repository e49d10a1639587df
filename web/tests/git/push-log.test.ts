import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openDatabase } from '../../server/db/database.ts'
import { listRefs } from '../../server/git/history.ts'
import { clientGit, commitFiles, openTestFolder } from '../../server/git/testing.ts'
import { openTestServer } from '../../server/git/testing-server.ts'
import { kill, remoteOf, type Seed, start } from './running.ts'

const quiet = (pushed: Promise<string>): Promise<boolean> =>
  pushed.then(
    () => true,
    () => false,
  )

/** Opens what the dead control plane left, reconciles it, and reads what is recorded. */
async function reopen(folder: string, seed: Seed) {
  const database = await openDatabase(undefined, join(folder, 'db'))
  const keep = { path: folder, [Symbol.asyncDispose]: async () => undefined }
  const server = await openTestServer({ database, folder: keep })
  const repo = { orgId: seed.person.orgId, repositoryId: seed.repositoryId }
  const { gitStorage, pushes } = server.context
  return {
    server,
    reconcile: () => pushes.reconcileAll(),
    pushes: () => server.db('pushes').orderBy('created_at').select('*'),
    events: () => server.db('events').where({ type: 'repository.pushed' }).select('payload'),
    recorded: async () => new Map((await server.db('repository_refs').select('ref', 'commit')).map((row) => [row.ref, row.commit])),
    actual: () => listRefs(gitStorage.git, gitStorage.folderOf(repo)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

test('a control plane killed between the move of a ref and its event records the push once, at its next start', async () => {
  await using folder = await openTestFolder()
  const running = await start(folder.path, 'pause')
  const { seed } = running
  await clientGit(folder.path, 'clone', '-q', remoteOf(seed), 'work')
  const work = join(folder.path, 'work')
  const head = await commitFiles(work, { 'x.txt': 'x' }, 'must not be lost')
  const pushed = quiet(clientGit(work, 'push', '-q', 'origin', 'main'))
  expect(await once(running.lines, 'line')).toEqual(['paused'])
  await kill(running)
  await pushed

  await using after = await reopen(folder.path, seed)
  expect((await after.actual()).get('refs/heads/main')).toBe(head)
  expect(await after.pushes()).toEqual([])
  await after.reconcile()
  await after.reconcile()
  expect(await after.pushes()).toMatchObject([{ ref: 'refs/heads/main', new_commit: head, user_id: seed.person.userId }])
  expect(await after.events()).toHaveLength(1)
  expect(await after.recorded()).toEqual(await after.actual())
})

/** The pushes of one ref, from its beginning, each once: follows the chain and says what does not belong to it. */
function followChain(rows: { old_commit: string | null; new_commit: string | null }[], end: string | undefined): string {
  const left = [...rows]
  let at: string | null = null
  for (;;) {
    const index = left.findIndex((row) => row.old_commit === at)
    if (index < 0) break
    at = left.splice(index, 1)[0]?.new_commit ?? null
  }
  return left.length === 0 && (at ?? undefined) === end ? 'whole' : `${left.length} of ${rows.length} left, at ${at}, not ${end}`
}

test('killed at random moments while four clients push, every push is recorded exactly once', async () => {
  await using folder = await openTestFolder()
  const branches = ['a', 'b', 'c', 'd']
  let seed: Seed | null = null
  for (let round = 0; round < 4; round++) {
    const running = await start(folder.path)
    seed = running.seed
    let stopped = false
    const pushing = branches.map(async (branch) => {
      const work = join(folder.path, `${branch}${round}`)
      await mkdir(work)
      await clientGit(work, 'init', '-q')
      await clientGit(work, 'remote', 'add', 'origin', remoteOf(running.seed))
      if (!(await quiet(clientGit(work, 'fetch', '-q', 'origin')))) return
      await quiet(clientGit(work, 'checkout', '-q', '-B', branch, round === 0 ? 'origin/main' : `origin/${branch}`))
      for (let index = 0; !stopped; index++) {
        await commitFiles(work, { [`${branch}-${round}-${index}.txt`]: 'x' }, `${branch} ${round} ${index}`)
        await quiet(clientGit(work, 'push', '-q', 'origin', `+HEAD:${branch}`))
      }
    })
    await wait(2500 + Math.random() * 700)
    stopped = true
    await kill(running)
    await Promise.all(pushing)
  }
  if (seed === null) throw new Error('no round ran')
  await using after = await reopen(folder.path, seed)
  await after.reconcile()
  const actual = await after.actual()
  expect(await after.recorded()).toEqual(actual)
  const rows = await after.pushes()
  expect(rows.length).toBeGreaterThan(branches.length)
  expect(await after.events()).toHaveLength(rows.length)
  expect(rows.filter((row) => row.user_id === null)).toEqual([])
  for (const branch of branches) {
    const ref = `refs/heads/${branch}`
    expect(
      followChain(
        rows.filter((row) => row.ref === ref),
        actual.get(ref),
      ),
      branch,
    ).toBe('whole')
  }
})
