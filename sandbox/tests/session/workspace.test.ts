import { execFile, execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { SessionFile } from '@helix/contract/link'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from '../../session/config.ts'
import { GitFailure } from '../../session/git/git.ts'
import { safetyPush } from '../../session/git/safety-push.ts'
import { Stages } from '../../session/stages.ts'
import { State } from '../../session/state.ts'
import { createAgentUser } from '../../session/user.ts'
import { makeFolders, prepareWorkspace, type Workspace } from '../../session/workspace.ts'
import { branch, sessionOf } from './bench.ts'
import { type GitServer, inRepository, makeRepository, startGitServer } from './git-server.ts'

const log = { info: () => undefined, warn: () => undefined }
let folder: string
let repository: string
let server: GitServer

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'helix-workspace-'))
  repository = join(folder, 'repositories', 'sample.git')
  makeRepository(repository, { 'README.md': '# Sample\n' })
  server = await startGitServer(join(folder, 'repositories'))
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

interface Volume {
  path: string
  prepare(change?: Partial<SessionFile>): Promise<Workspace>
  git(where: string, ...args: string[]): string
  /** For what speaks to the server of this process, which must not be blocked meanwhile. */
  remote(where: string, ...args: string[]): Promise<unknown>
}

/** A volume and its home; each `prepare` is a start with a token of its own. */
function volume(name: string): Volume {
  const path = join(folder, name)
  const home = join(folder, `${name}-home`)
  let epoch = 0
  return {
    path,
    async prepare(change = {}) {
      epoch += 1
      const env = { HELIX_WORKSPACE: path, HELIX_AGENT_HOME: home, HELIX_RUN_DIR: join(folder, `${name}-run`), HELIX_AGENT_UID: '0' }
      const config = readConfig({ ...env })
      const token = `token-${name}-${epoch}`
      server.tokens.delete(`token-${name}-${epoch - 1}`)
      server.tokens.add(token)
      const session = { ...sessionOf(server.port, token, epoch), ...change }
      const user = createAgentUser(config)
      const { helix } = await makeFolders(config, session, user)
      const state = new State(join(helix, 'state.json'))
      return prepareWorkspace({ config, session, user, state, stages: new Stages(() => undefined), log })
    },
    remote: (where, ...args) =>
      promisify(execFile)('git', args, { cwd: join(path, where), env: { ...process.env, HOME: home }, timeout: 10_000 }),
    git: (where, ...args) =>
      execFileSync('git', args, { cwd: join(path, where), encoding: 'utf8', env: { ...process.env, HOME: home } }).trim(),
  }
}

const push = (workspace: Workspace) => safetyPush({ ...workspace, deadlineMs: 3000 })

function commit(at: Volume, where: string, file: string): void {
  writeFileSync(join(at.path, where, file), `${file}\n`)
  at.git(where, 'add', '-A')
  at.git(where, 'commit', '-qm', file)
}

describe('the first start', () => {
  test('puts the working copy on the task’s branch and the specs beside it', async () => {
    const a = volume('a')
    await a.prepare()
    expect(a.git('sample', 'symbolic-ref', '--short', 'HEAD')).toBe(branch)
    expect(a.git('helix-specs', 'symbolic-ref', '--short', 'HEAD')).toBe('helix-specs')
    expect(a.git('helix-specs', 'rev-list', '--count', 'HEAD')).toBe('1')
    expect(inRepository(repository, 'rev-parse', 'helix-specs')).toBe(a.git('helix-specs', 'rev-parse', 'HEAD'))
    // The specs share no history with the code.
    expect(() => a.git('sample', 'merge-base', 'HEAD', 'helix-specs')).toThrow()
  })

  test('takes the branch that is there already, with its commits', async () => {
    inRepository(
      repository,
      'update-ref',
      `refs/heads/${branch}`,
      inRepository(repository, 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'Earlier work'),
    )
    const a = volume('a')
    await a.prepare()
    expect(a.git('sample', 'log', '-1', '--format=%s')).toBe('Earlier work')
  })

  test('works in a repository without any commit', async () => {
    rmSync(repository, { recursive: true })
    makeRepository(repository)
    const a = volume('a')
    const workspace = await a.prepare()
    commit(a, 'sample', 'first')
    expect((await push(workspace)).join()).toContain('Pushed 1 commit')
    expect(inRepository(repository, 'log', '--format=%s', branch)).toBe('first')
  })

  test('keeps the token out of every configuration, and lets git push with it', async () => {
    const a = volume('a')
    await a.prepare()
    const files = [join(a.path, 'sample', '.git', 'config'), join(folder, 'a-home', '.gitconfig')]
    for (const file of files) expect(readFileSync(file, 'utf8')).not.toContain('token-a-1')
    expect(statSync(join(folder, 'a-run', 'git-credential')).mode & 0o777).toBe(0o600)
    commit(a, 'sample', 'pushed')
    await a.remote('sample', 'push', '--quiet')
    expect(inRepository(repository, 'log', '-1', '--format=%an', branch)).toBe('Ada "the first" Lovelace')
    await a.prepare()
    await a.remote('sample', 'fetch')
  })

  test('of two sessions that create the specs branch at once, both get the same one', async () => {
    const volumes = [volume('a'), volume('b'), volume('c')]
    await Promise.all(volumes.map((one) => one.prepare()))
    const heads = volumes.map((one) => one.git('helix-specs', 'rev-parse', 'HEAD'))
    expect(new Set(heads).size).toBe(1)
    expect(inRepository(repository, 'rev-list', '--count', 'helix-specs')).toBe('1')
  })

  test('waits for a control plane that is away, and says when it is refused', async () => {
    const a = volume('a')
    server.away = true
    setTimeout(() => {
      server.away = false
    }, 1500)
    await a.prepare()
    expect(existsSync(join(a.path, 'sample', 'README.md'))).toBe(true)
    const refused = volume('b').prepare({ token: 'of somebody else' })
    await expect(refused).rejects.toThrow(GitFailure)
    await expect(refused).rejects.toMatchObject({ kind: 'denied' })
  })

  test('takes two repositories', async () => {
    makeRepository(join(folder, 'repositories', 'other.git'), { a: 'a\n' })
    const a = volume('a')
    const [first] = sessionOf(server.port, '', 1).repositories
    if (first === undefined) throw new Error('no repository')
    await a.prepare({ repositories: [{ ...first, name: 'other', clonePath: '/git/other.git', primary: false }, first] })
    expect(readdirSync(a.path).filter((name) => !name.startsWith('.'))).toEqual(['helix-specs', 'other', 'sample'])
    expect(a.git('helix-specs', 'remote', 'get-url', 'origin')).toContain('sample.git')
  })
})

describe('a later start over the same volume', () => {
  test('keeps uncommitted work, unpushed commits and whatever branch the agent chose', async () => {
    const a = volume('a')
    await a.prepare()
    commit(a, 'sample', 'unpushed')
    appendFileSync(join(a.path, 'sample', 'README.md'), 'uncommitted\n')
    a.git('sample', 'checkout', '--quiet', '-b', 'elsewhere')
    await a.prepare()
    expect(a.git('sample', 'symbolic-ref', '--short', 'HEAD')).toBe('elsewhere')
    expect(a.git('sample', 'status', '--porcelain')).toBe('M README.md')
    expect(a.git('sample', 'log', '-1', '--format=%s')).toBe('unpushed')
  })

  test('needs no control plane', async () => {
    const a = volume('a')
    await a.prepare()
    server.away = true
    await a.prepare()
    expect(a.git('sample', 'status', '--porcelain')).toBe('')
  }, 60_000)

  test('removes the locks of a killed git', async () => {
    const a = volume('a')
    await a.prepare()
    const locks = ['index.lock', 'worktrees/helix-specs/index.lock', `refs/heads/${branch}.lock`].map((lock) =>
      join(a.path, 'sample', '.git', lock),
    )
    for (const lock of locks) writeFileSync(lock, '')
    const workspace = await a.prepare()
    commit(a, 'sample', 'after')
    commit(a, 'helix-specs', 'after')
    expect((await push(workspace)).filter((notice) => notice.includes('Pushed 1 commit'))).toHaveLength(2)
  })

  test('makes again what a start that died left half made', async () => {
    const a = volume('a')
    mkdirSync(join(a.path, '.clone-sample', '.git'), { recursive: true })
    await a.prepare()
    writeFileSync(join(a.path, '.helix', 'state.json'), '{"agentSess')
    rmSync(join(a.path, 'helix-specs', 'README.md'))
    rmSync(join(a.path, 'sample', '.git', 'worktrees', 'helix-specs', 'index'))
    await a.prepare()
    expect(a.git('helix-specs', 'status', '--porcelain')).toBe('')
    rmSync(join(a.path, 'helix-specs'), { recursive: true })
    await a.prepare()
    expect(existsSync(join(a.path, 'helix-specs', 'README.md'))).toBe(true)
  })

  test('catches up with what was pushed while the session ran elsewhere', async () => {
    const a = volume('a')
    await a.prepare()
    const b = volume('b')
    const elsewhere = await b.prepare()
    commit(b, 'sample', 'elsewhere')
    commit(b, 'helix-specs', 'specs-elsewhere')
    await push(elsewhere)
    await a.prepare()
    expect(a.git('sample', 'log', '-1', '--format=%s')).toBe('elsewhere')
    expect(a.git('helix-specs', 'log', '-1', '--format=%s')).toBe('specs-elsewhere')
  })
})

describe('the push at the end of a turn', () => {
  test('says nothing when there is nothing to push', async () => {
    expect(await push(await volume('a').prepare())).toEqual([])
  })

  test('brings specs up on top of those of others, never by force', async () => {
    const [a, b] = [volume('a'), volume('b')]
    const [first, second] = [await a.prepare(), await b.prepare()]
    commit(a, 'helix-specs', 'of-a')
    commit(b, 'helix-specs', 'of-b')
    writeFileSync(join(b.path, 'helix-specs', 'draft'), 'not committed\n')
    await push(first)
    expect((await push(second)).join('\n')).toMatch(/Pushed 1 commit of helix-specs[\s\S]*Uncommitted in helix-specs: draft/)
    expect(inRepository(repository, 'log', '--format=%s', 'helix-specs').split('\n')).toEqual(['of-b', 'of-a', 'Begin the specifications'])
  })

  test('leaves specs that do not fit alone, and says so', async () => {
    const [a, b] = [volume('a'), volume('b')]
    const [first, second] = [await a.prepare(), await b.prepare()]
    commit(a, 'helix-specs', 'same')
    writeFileSync(join(b.path, 'helix-specs', 'same'), 'otherwise\n')
    b.git('helix-specs', 'add', '-A')
    b.git('helix-specs', 'commit', '-qm', 'conflicting')
    await push(first)
    expect((await push(second)).join('\n')).toContain('Commits of helix-specs could not be pushed')
    expect(b.git('helix-specs', 'log', '-1', '--format=%s')).toBe('conflicting')
    expect(inRepository(repository, 'log', '-1', '--format=%s', 'helix-specs')).toBe('same')
  })

  test('follows an agent that rewrote its own branch, but not over commits it never saw', async () => {
    const [a, b] = [volume('a'), volume('b')]
    const workspace = await a.prepare()
    commit(a, 'sample', 'first')
    await push(workspace)
    a.git('sample', 'commit', '--quiet', '--amend', '-m', 'rewritten')
    expect((await push(workspace)).join()).toContain('Pushed 1 commit')
    expect(inRepository(repository, 'log', '-1', '--format=%s', branch)).toBe('rewritten')
    const other = await b.prepare()
    commit(b, 'sample', 'of-b')
    await push(other)
    a.git('sample', 'commit', '--quiet', '--amend', '-m', 'rewritten again')
    expect((await push(workspace)).join()).toContain('could not be pushed')
    expect(inRepository(repository, 'log', '-1', '--format=%s', branch)).toBe('of-b')
  })

  test('runs no hook of the repository and gives up on a control plane that stays away', async () => {
    const a = volume('a')
    const workspace = await a.prepare()
    writeFileSync(join(a.path, 'sample', '.git', 'hooks', 'pre-push'), '#!/bin/sh\nsleep 100\n', { mode: 0o755 })
    commit(a, 'sample', 'first')
    server.away = true
    const started = Date.now()
    expect((await push(workspace)).join()).toContain('could not be pushed')
    expect(Date.now() - started).toBeLessThan(15_000)
    server.away = false
    expect((await push(workspace)).join()).toContain('Pushed 1 commit')
  }, 30_000)
})
