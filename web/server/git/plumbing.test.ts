import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newId } from '../context.ts'
import { createGit } from './plumbing.ts'
import { clientGit, commitFiles, openTestStorage } from './testing.ts'
import { readTree } from './tree.ts'

async function openScene() {
  const test = await openTestStorage()
  const repo = await test.create()
  const git = createGit({ storage: test.storage, newPushId: () => newId('push'), flush: async () => undefined })
  const work = join(test.folder, 'work')
  const bare = test.storage.folderOf(repo)
  await clientGit(test.folder, 'clone', '-q', bare, work)
  const bring = (branch: string) =>
    test.storage.git(['fetch', '-q', '--no-write-fetch-head', work, `+HEAD:refs/heads/${branch}`], {
      gitDir: bare,
      env: { GIT_ALLOW_PROTOCOL: 'file' },
    })
  return { ...test, repo, git, work, bare, bring, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() }
}

test('branches, full refs and hashes are found; what could be an option or a search is not', async () => {
  await using scene = await openScene()
  const main = await scene.git.resolveCommit(scene.repo, 'main')
  expect(main).toMatch(/^[0-9a-f]{40}$/)
  expect(await scene.git.resolveCommit(scene.repo, 'refs/heads/main')).toBe(main)
  expect(await scene.git.resolveCommit(scene.repo, `${main}`)).toBe(main)
  for (const name of ['--all', '-h', 'main~1', 'main^{/Start}', ':/Start', 'HEAD@{1}', '', 'main\0', '../../x', '0'.repeat(40)]) {
    expect(await scene.git.resolveCommit(scene.repo, name), name).toBeNull()
  }
})

test('a diff shows added, changed, renamed, deleted, binary and odd files', async () => {
  await using scene = await openScene()
  const base = await clientGit(scene.work, 'rev-parse', 'HEAD')
  await clientGit(scene.work, 'mv', 'src/truncate.js', 'src/cut.js')
  await clientGit(scene.work, 'rm', '-q', 'test/truncate.test.js')
  await clientGit(scene.work, 'update-index', '--chmod=+x', 'package.json')
  const odd = 'diff --git a\nb "c" ä.txt'
  const head = await commitFiles(
    scene.work,
    { 'README.md': 'diff --git a/x b/x\nshort\n', 'bin.dat': Buffer.from([0, 1, 2]), [odd]: 'x\n', 'big.txt': 'line\n'.repeat(80_000) },
    'many things',
  )
  await scene.bring('feature/x')
  const changes = await scene.git.changes(scene.repo, 'main', 'feature/x')
  expect(changes).toMatchObject({ mergeBase: base, truncated: false })
  expect(changes.commits).toMatchObject([{ hash: head, subject: 'many things', authorName: 'Ada', parents: [base] }])
  const files = Object.fromEntries(changes.files.map((file) => [file.path, file]))
  expect(files['README.md']).toMatchObject({ kind: 'modified', additions: 2, patch: expect.stringContaining('+diff --git a/x b/x\n') })
  expect(files['src/cut.js']).toMatchObject({ kind: 'renamed', previousPath: 'src/truncate.js', additions: 0, patch: '' })
  expect(files['test/truncate.test.js']).toMatchObject({ kind: 'deleted', additions: 0 })
  expect(files['bin.dat']).toMatchObject({ kind: 'added', additions: null, patch: null })
  expect(files[odd]).toMatchObject({ kind: 'added', additions: 1, patch: '@@ -0,0 +1 @@\n+x\n' })
  expect(files['big.txt']).toMatchObject({ additions: 80_000, patch: null })
  expect(await scene.git.countAhead(scene.repo, 'main', 'feature/x')).toBe(1)
  expect(await scene.git.countAhead(scene.repo, 'main', 'nowhere')).toBe(0)
})

test('a diff of more than 500 files says that it is cut', async () => {
  await using scene = await openScene()
  await commitFiles(
    scene.work,
    Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`f${index}.txt`, `${index}\n`])),
    'many files',
  )
  await scene.bring('feature/x')
  const changes = await scene.git.changes(scene.repo, 'main', 'feature/x')
  expect([changes.files.length, changes.truncated]).toEqual([500, true])
})

test('files are read as text; binary, large and absent ones are not', async () => {
  await using scene = await openScene()
  const odd = 'päth with\nnew line'
  await commitFiles(
    scene.work,
    { [odd]: 'here', 'bin.dat': Buffer.from([0, 1]), 'latin.txt': Buffer.from([0x63, 0xe9]), 'big.txt': Buffer.alloc(1024 * 1024 + 1, 97) },
    'x',
  )
  await scene.bring('x')
  const read = (path: string) => scene.git.readFile(scene.repo, 'x', path)
  expect(await read(odd)).toBe('here')
  expect(await read('package.json')).toContain('"sample"')
  for (const path of ['bin.dat', 'latin.txt', 'big.txt', 'absent', 'src', '', '../data', 'src/../package.json', 'a\0b', './package.json']) {
    expect(await read(path), path).toBeNull()
  }
})

test('names that are not UTF-8 are shown with replacement characters', async () => {
  await using scene = await openScene()
  const blob = await clientGit(scene.work, 'hash-object', '-w', 'README.md')
  const tree = await scene.storage.git(['mktree', '-z'], {
    gitDir: join(scene.work, '.git'),
    input: Buffer.concat([Buffer.from(`100644 blob ${blob}\t`), Buffer.from([0x61, 0xff, 0])]),
  })
  const commit = await clientGit(scene.work, 'commit-tree', tree.stdout.toString().trim(), '-m', 'odd')
  expect(await readTree(scene.storage.git, join(scene.work, '.git'), commit, '')).toMatchObject([{ name: 'a\ufffd', kind: 'file' }])
})
