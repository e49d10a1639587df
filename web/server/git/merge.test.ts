import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newId } from '../context.ts'
import type { RepoKey } from './environment.ts'
import { listIntents } from './intents.ts'
import { createGit } from './plumbing.ts'
import type { MergeInput } from './port.ts'
import { clientGit, commitFiles, openTestStorage, type TestStorage } from './testing.ts'

const userId = newId('user')
const author = { name: 'Ada <Lovelace>', email: 'ada@example.com' }
const mergeOf = (head: string, task = 'tsk_1'): MergeInput => ({
  baseRef: 'main',
  head,
  message: 'Merge a greeting',
  trailer: { key: 'Helix-Task', value: task },
  author,
  userId,
})

async function openScene(kind: 'sample' | 'empty' = 'sample') {
  const test: TestStorage = await openTestStorage()
  const repo = await test.create({ kind })
  const flushed: RepoKey[] = []
  const git = createGit({ storage: test.storage, newPushId: () => newId('push'), flush: async (key) => void flushed.push(key) })
  const work = join(test.folder, 'work')
  const bare = test.storage.folderOf(repo)
  await clientGit(test.folder, 'clone', '-q', bare, work)
  /** Commits on a branch and lays the objects into the bare repository, past the hooks. */
  const bring = async (branch: string, from: string, files: Record<string, string>): Promise<string> => {
    await clientGit(work, 'checkout', '-q', '-B', branch, ...(from === '' ? [] : [from]))
    const commit = await commitFiles(work, files, `work on ${branch}`)
    await test.storage.git(['fetch', '-q', '--no-write-fetch-head', work, `+refs/heads/${branch}:refs/heads/${branch}`], {
      gitDir: bare,
      env: { GIT_ALLOW_PROTOCOL: 'file' },
    })
    return commit
  }
  return { ...test, repo, git, bare, bring, flushed, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() }
}

test('a merge has two parents, the author and the trailer, and is noted for the push log', async () => {
  await using scene = await openScene()
  const head = await scene.bring('feature/a', 'origin/main', { 'a.txt': 'a\n' })
  const base = await scene.git.resolveCommit(scene.repo, 'main')
  const outcome = await scene.git.mergeBranch(scene.repo, mergeOf(head))
  const commit = await scene.git.resolveCommit(scene.repo, 'main')
  expect(outcome).toEqual({ outcome: 'merged', commit })
  const shown = await clientGit(scene.bare, 'log', '-1', '--format=%P|%an|%ae|%(trailers:key=Helix-Task,valueonly)', String(commit))
  expect(shown.trim()).toBe(`${base} ${head}|Ada  Lovelace|ada@example.com|tsk_1`)
  const [intent] = await listIntents(scene.bare)
  expect(intent?.moves).toEqual([{ ref: 'refs/heads/main', oldCommit: base, newCommit: commit }])
  expect(intent?.pusher).toEqual({ kind: 'person', id: userId })
  expect(scene.flushed).toEqual([scene.repo])
})

test('a merge asked for twice, and at once, happens once', async () => {
  await using scene = await openScene()
  const head = await scene.bring('feature/a', 'origin/main', { 'a.txt': 'a\n' })
  const both = await Promise.all([scene.git.mergeBranch(scene.repo, mergeOf(head)), scene.git.mergeBranch(scene.repo, mergeOf(head))])
  expect(both[1]).toEqual(both[0])
  const other = await scene.bring('feature/b', 'origin/main', { 'b.txt': 'b\n' })
  expect(await scene.git.mergeBranch(scene.repo, mergeOf(other, 'tsk_2'))).toMatchObject({ outcome: 'merged' })
  expect(await scene.git.mergeBranch(scene.repo, mergeOf(head))).toEqual(both[0])
  expect(await clientGit(scene.bare, 'rev-list', '--count', '--merges', 'main')).toBe('2')
})

test('five merges at once of five branches all land', async () => {
  await using scene = await openScene()
  const heads: string[] = []
  for (const name of ['a', 'b', 'c', 'd', 'e']) heads.push(await scene.bring(`feature/${name}`, 'origin/main', { [`${name}.txt`]: name }))
  const outcomes = await Promise.all(heads.map((head, index) => scene.git.mergeBranch(scene.repo, mergeOf(head, `tsk_${index}`))))
  expect(outcomes.map((one) => one.outcome)).toEqual(Array(5).fill('merged'))
  expect(await clientGit(scene.bare, 'rev-list', '--count', '--merges', 'main')).toBe('5')
})

test('a conflict names its files and moves nothing', async () => {
  await using scene = await openScene()
  const head = await scene.bring('feature/a', 'origin/main', { 'README.md': 'mine\n', 'a.txt': 'a\n' })
  const base = await scene.bring('main', 'origin/main', { 'README.md': 'theirs\n' })
  expect(await scene.git.mergeBranch(scene.repo, mergeOf(head))).toEqual({ outcome: 'conflict', files: ['README.md'] })
  expect(await scene.git.resolveCommit(scene.repo, 'main')).toBe(base)
  expect(await listIntents(scene.bare)).toEqual([])
})

test('what is in the base already counts as merged', async () => {
  await using scene = await openScene()
  const base = await scene.git.resolveCommit(scene.repo, 'main')
  expect(await scene.git.mergeBranch(scene.repo, mergeOf(`${base}`))).toEqual({ outcome: 'merged', commit: base })
  expect(scene.flushed).toHaveLength(1)
})

test('a base branch without commits is created at the head', async () => {
  await using scene = await openScene('empty')
  const head = await scene.bring('feature/a', '', { 'a.txt': 'a\n' })
  expect(await scene.git.mergeBranch(scene.repo, mergeOf(head))).toEqual({ outcome: 'merged', commit: head })
  expect(await scene.git.resolveCommit(scene.repo, 'main')).toBe(head)
})

test('nonsense, missing commits and strangers to the history fail with a reason', async () => {
  await using scene = await openScene()
  const orphan = await clientGit(scene.bare, 'commit-tree', '4b825dc642cb6eb9a060e54bf8d69288fbee4904', '-m', 'alone')
  const reasonFor = async (input: Partial<MergeInput>) => {
    const outcome = await scene.git.mergeBranch(scene.repo, { ...mergeOf(orphan), ...input })
    return outcome.outcome === 'failed' ? outcome.reason : outcome.outcome
  }
  expect(await reasonFor({})).toMatch(/share no history/)
  expect(await reasonFor({ head: '0'.repeat(40) })).toMatch(/not in the repository/)
  expect(await reasonFor({ head: '--all' })).toMatch(/not a commit/)
  expect(await reasonFor({ baseRef: '--upload-pack=touch' })).toMatch(/not a branch/)
  expect(await reasonFor({ baseRef: 'refs/tags/v1' })).toMatch(/not a branch/)
})
