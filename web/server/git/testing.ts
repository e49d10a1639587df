import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { newId } from '../context.ts'
import { createBareRepository, type Origin } from './create.ts'
import type { RepoKey } from './environment.ts'
import { createGitStorage, type GitStorage, prepareGitStorage } from './storage.ts'

const run = promisify(execFile)

/** A person's git, away from the settings of the machine. */
export async function clientGit(cwd: string, ...args: string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    HOME: cwd,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  }
  const { stdout } = await run('git', ['-c', 'init.defaultBranch=main', ...args], { cwd, env, maxBuffer: 64 * 1024 * 1024 })
  return stdout.trim()
}

/** Writes files and commits them; answers with the commit's id. */
export async function commitFiles(folder: string, files: Record<string, string | Buffer>, message: string): Promise<string> {
  for (const [path, content] of Object.entries(files)) await writeFile(join(folder, path), content)
  await clientGit(folder, 'add', '-A')
  await clientGit(folder, 'commit', '-q', '--allow-empty', '-m', message)
  return clientGit(folder, 'rev-parse', 'HEAD')
}

export interface TestFolder extends AsyncDisposable {
  path: string
}

export async function openTestFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'helix-git-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}

export interface TestStorage extends AsyncDisposable {
  storage: GitStorage
  /** A place for working copies. */
  folder: string
  create(origin?: Origin): Promise<RepoKey>
}

export async function openTestStorageIn(folder: string): Promise<GitStorage> {
  const storage = createGitStorage({ dataDir: join(folder, 'data'), executablePath: process.env.PATH, maxPushBytes: 2 * 1024 ** 3 })
  await prepareGitStorage(storage)
  return storage
}

export async function openTestStorage(): Promise<TestStorage> {
  const { path, [Symbol.asyncDispose]: remove } = await openTestFolder()
  const storage = await openTestStorageIn(path)
  const create = async (origin: Origin = { kind: 'sample' }): Promise<RepoKey> => {
    const repo = { orgId: newId('org'), repositoryId: newId('repository') }
    await createBareRepository(storage, repo, origin)
    return repo
  }
  return { storage, folder: path, create, [Symbol.asyncDispose]: remove }
}
