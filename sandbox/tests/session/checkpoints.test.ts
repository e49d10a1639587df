import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionKept } from '@helix/contract/link'
import type { KeptCheckpoint } from '@helix/contract/sessions'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Bench, branch, openBench, type Running } from './bench.ts'
import { inRepository } from './git-server.ts'
import type { LinkClient } from './link-client.ts'

let packs: string
let bench: Bench
beforeAll(async () => {
  packs = await mkdtemp(join(tmpdir(), 'helix-packs-'))
  const bin = join(packs, 'goose_code', 'node_modules', '@aaif', `goose-binary-linux-${process.arch}`, 'bin')
  mkdirSync(bin, { recursive: true })
  const agent = join(import.meta.dirname, 'remembering-agent.mjs')
  writeFileSync(join(bin, 'goose'), `#!/bin/sh\nexec '${process.execPath}' --no-warnings '${agent}'\n`, { mode: 0o755 })
})
afterAll(() => rm(packs, { recursive: true, force: true }))
beforeEach(async () => {
  bench = await openBench({ packs, script: () => ({ say: '' }), files: { 'README.md': '# Sample\n', '.gitignore': 'ignored/\n' } })
})
afterEach(() => bench[Symbol.asyncDispose]())

const sessionId = 'ses_01h455vb4pex5vsknk084sn02q'
const git = (at: Running, where: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd: join(at.workspace, where), encoding: 'utf8' }).trimEnd()
const checkpoints = (link: LinkClient): KeptCheckpoint[] =>
  [...link.journal.values()].flatMap(({ payload }) => (payload.kind === 'checkpoint' ? [payload] : []))
const said = (link: LinkClient) => link.texts('chunk').join('\n')

/** What the control plane tells a start about a checkpoint. */
function keptOf(checkpoint: KeptCheckpoint, turn: SessionKept['turn'] = null, own = true): { kept: SessionKept } {
  return { kept: { last: own ? checkpoint.n : 0, from: { ...checkpoint, sessionId, at: '2026-01-02T03:04:05.000Z' }, turn } }
}

async function turn(at: Running, promptId: string, text: string): Promise<void> {
  at.link.prompt(promptId, text)
  expect((await at.link.result(promptId)).outcome).toBe('end_turn')
}

async function begun(command: string): Promise<{ first: Running; checkpoint: KeptCheckpoint }> {
  const first = await bench.start()
  await first.link.state('ready')
  await turn(first, 'prm_1', `run: ${command}`)
  const [checkpoint] = checkpoints(first.link)
  if (checkpoint === undefined) throw new Error(first.link.texts('notice').join('\n'))
  return { first, checkpoint }
}

const draft =
  'git commit -qm local --allow-empty; echo more >> README.md; git add README.md; echo half > new.txt; mkdir -p ignored; touch ignored/x'

test('a turn’s end keeps what stands in the working copy, which stays as it is, and a session killed in its next turn goes on elsewhere', async () => {
  const { first, checkpoint } = await begun(draft)
  expect(git(first, 'sample', 'status', '--porcelain')).toBe('M  README.md\n?? new.txt')
  const head = git(first, 'sample', 'rev-parse', 'HEAD')
  expect(checkpoint).toMatchObject({
    n: 1,
    cause: 'turn',
    promptId: 'prm_1',
    leftOut: [],
    repositories: [{ name: 'sample', branch, head }],
  })
  first.link.prompt('prm_2', 'run: echo lost > lost.txt; hang')
  await first.link.until('the second turn', () => existsSync(join(first.workspace, 'sample', 'lost.txt')))
  await first.kill('SIGKILL')
  const second = await bench.start({ workspace: 'elsewhere', epoch: 2, session: keptOf(checkpoint, { promptId: 'prm_2', end: null }) })
  await second.link.state('ready')
  expect(git(second, 'sample', 'symbolic-ref', '--short', 'HEAD')).toBe(branch)
  expect(git(second, 'sample', 'rev-parse', 'HEAD')).toBe(head)
  expect(git(second, 'sample', 'status', '--porcelain')).toBe(' M README.md\n?? new.txt')
  expect(readFileSync(join(second.workspace, 'sample', 'README.md'), 'utf8')).toBe('# Sample\nmore\n')
  const told = second.link.texts('notice').join('\n')
  expect(told).toMatch(/brought back from checkpoint 1 of 2026-01-02 03:04 UTC.*lost.*Not brought along: ignored files/)
  expect(second.link.status()?.stages.map(({ name }) => name)).toContain('checkpoint 1: sample')
  // The agent has heard of it, as the stored journal says, and its loaded conversation has not.
  await turn(second, 'prm_2', 'run: true')
  expect(second.link.entries().filter(({ payload }) => payload.kind === 'prompt')).toEqual([])
  expect(said(second.link)).toBe('remembers 1, database 1')
  expect(checkpoints(second.link).map(({ n }) => n)).toEqual([2])
  expect(second.link.texts('notice').join('\n')).toContain('started again in the middle of this prompt')
})

test('what is as it was makes no new checkpoint; what a person changed is kept at the end', async () => {
  const { first } = await begun('echo a > a.txt')
  await first.kill('SIGTERM')
  expect(checkpoints(first.link)).toHaveLength(1)
  const again = await bench.start({ epoch: 2 })
  await again.link.state('ready')
  writeFileSync(join(again.workspace, 'sample', 'b.txt'), 'of a person\n')
  await again.kill('SIGTERM')
  expect(checkpoints(again.link)).toMatchObject([{ n: 2, cause: 'suspend', promptId: null }])
  expect(inRepository(bench.repository, 'show', `refs/helix/sessions/${sessionId}/2:b.txt`)).toBe('of a person')
})

test('the token is in nothing that was kept, and the agent’s conversation is', async () => {
  await begun('echo a > a.txt')
  const ref = `refs/helix/sessions/${sessionId}/1-agent`
  const files = inRepository(bench.repository, 'ls-tree', '-r', '--name-only', ref).split('\n')
  expect(files).toEqual(['conversation', 'sessions.db'])
  const conversation = inRepository(bench.repository, 'show', `${ref}:conversation`)
  expect(conversation).toContain(`with ${'*'.repeat('token-workspace-1'.length)}`)
  const objects = execFileSync('git', ['cat-file', '--batch-all-objects', '--batch'], { cwd: bench.repository })
  expect(objects.includes('a.txt')).toBe(true)
  expect(objects.includes('token-workspace-1')).toBe(false)
})

test('what is too large, a repository within, and a stash are named and left out', async () => {
  const odd =
    'git init -q inner; truncate -s 51M big.bin; echo s >> README.md; git stash -q; echo small > small.txt; ln -s /etc/hostname link'
  const { first, checkpoint } = await begun(odd)
  const left = checkpoint.leftOut.join('\n')
  expect(left).toMatch(/sample: big.bin \(51 MiB\) is larger than 50 MiB/)
  expect(left).toContain('sample: inner/ is a repository of its own')
  expect(left).toContain('sample: what is stashed')
  expect(inRepository(bench.repository, 'ls-tree', '--name-only', `refs/helix/sessions/${sessionId}/1`).split('\n')).toEqual([
    '.gitignore',
    'README.md',
    'link',
    'small.txt',
  ])
  expect(first.link.texts('notice').join('\n')).toContain('Not in the checkpoint: sample: big.bin')
})

test('a fork has the files on a branch of its own and goes on with the conversation', async () => {
  const { first, checkpoint } = await begun(draft)
  const head = git(first, 'sample', 'rev-parse', 'HEAD')
  await first.kill('SIGTERM')
  const other = 'ses_01h455vb4pex5vsknk084sn02r'
  const repositories = [
    { name: 'sample', clonePath: '/git/sample.git', defaultBranch: 'main', baseBranch: 'main', branch: `session/${other}`, primary: true },
  ]
  const start = { workspace: 'fork', session: { ...keptOf(checkpoint, null, false), sessionId: other, repositories } }
  const fork = await bench.start(start)
  await fork.link.state('ready')
  expect(git(fork, 'sample', 'symbolic-ref', '--short', 'HEAD')).toBe(`session/${other}`)
  expect(git(fork, 'sample', 'rev-parse', 'HEAD')).toBe(head)
  expect(git(fork, 'sample', 'status', '--porcelain')).toBe(' M README.md\n?? new.txt')
  expect(fork.link.texts('notice').join('\n')).toContain('began with checkpoint 1 of another session')
  await turn(fork, 'prm_1', 'run: git add -A; git commit -qm forked')
  expect(said(fork.link)).toBe('remembers 1, database 1')
  await fork.kill('SIGTERM')
  // Its own volume is what counts from now on.
  const again = await bench.start({ ...start, epoch: 2 })
  await again.link.state('ready')
  expect(git(again, 'sample', 'log', '-1', '--format=%s')).toBe('forked')
})

test('commits pushed after the checkpoint are not pushed over', async () => {
  const { first, checkpoint } = await begun('echo half > new.txt')
  const push = `git add -A; git commit -qm newer; git push -q origin ${branch}; sleep 1`
  first.link.prompt('prm_2', `run: ${push}; hang`)
  const newest = () => inRepository(bench.repository, 'log', '--all', '--format=%s').includes('newer')
  await first.link.until('the push', newest)
  await first.kill('SIGKILL')
  const second = await bench.start({ workspace: 'elsewhere', epoch: 2, session: keptOf(checkpoint) })
  await second.link.state('ready')
  expect(second.link.texts('notice').join('\n')).toMatch(/has 1 commit pushed after the checkpoint/)
  await turn(second, 'prm_3', 'run: git add -A; git commit -qm other')
  expect(second.link.texts('notice').join('\n')).toContain('could not be pushed')
  expect(inRepository(bench.repository, 'log', '-1', '--format=%s', branch)).toBe('newer')
})

test('a volume that was left behind gives way to what was kept elsewhere; a checkpoint that is gone costs itself only', async () => {
  const { first, checkpoint } = await begun('echo a > a.txt')
  await first.kill('SIGTERM')
  const second = await bench.start({ workspace: 'elsewhere', epoch: 2, session: keptOf(checkpoint) })
  await second.link.state('ready')
  await turn(second, 'prm_2', 'run: echo b > b.txt')
  const [newer] = checkpoints(second.link)
  await second.kill('SIGTERM')
  const back = await bench.start({ epoch: 3, session: keptOf(newer as KeptCheckpoint) })
  await back.link.state('ready')
  expect(readFileSync(join(back.workspace, 'sample', 'b.txt'), 'utf8')).toBe('b\n')
  await back.kill('SIGTERM')
  inRepository(bench.repository, 'update-ref', '-d', `refs/helix/sessions/${sessionId}/2`)
  rmSync(back.workspace, { recursive: true })
  const bare = await bench.start({ epoch: 4, session: keptOf(newer as KeptCheckpoint) })
  await bare.link.state('ready')
  expect(git(bare, 'sample', 'symbolic-ref', '--short', 'HEAD')).toBe(branch)
  expect(bare.link.texts('notice').join('\n')).toContain('sample could not be brought back')
})

test('drafts of specs come along on top of what others pushed meanwhile', async () => {
  const { first, checkpoint } = await begun('echo d > ../helix-specs/draft.md')
  expect(checkpoint.specs).not.toBe(null)
  await first.kill('SIGKILL')
  const other = inRepository(bench.repository, 'commit-tree', 'helix-specs^{tree}', '-p', 'helix-specs', '-m', 'of another')
  inRepository(bench.repository, 'update-ref', 'refs/heads/helix-specs', other)
  const second = await bench.start({ workspace: 'elsewhere', epoch: 2, session: keptOf(checkpoint) })
  await second.link.state('ready')
  expect(git(second, 'helix-specs', 'log', '-1', '--format=%s')).toBe('of another')
  expect(git(second, 'helix-specs', 'status', '--porcelain')).toBe('?? draft.md')
  expect(readFileSync(join(second.workspace, 'helix-specs', 'draft.md'), 'utf8')).toBe('d\n')
})
