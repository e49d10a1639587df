import { chmod, copyFile, mkdir, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type GitSettings, gitRoot, hooksFolder, type RepoKey, repositoryFolder } from './environment.ts'
import { createGitRunner, type Git } from './run.ts'
import { checkGitVersion } from './version.ts'

/** The folder of bare repositories and what runs in it. */
export interface GitStorage {
  settings: GitSettings
  git: Git
  root: string
  folderOf(repo: RepoKey): string
  /** Ids of pushes and merges that this process runs right now; their intents are not given up. */
  running: Set<string>
}

export function createGitStorage(given: GitSettings): GitStorage {
  // git runs hooks elsewhere: a relative folder would lead nowhere.
  const settings = { ...given, dataDir: resolve(given.dataDir) }
  return {
    settings,
    git: createGitRunner(settings),
    root: gitRoot(settings),
    folderOf: (repo) => repositoryFolder(settings, repo),
    running: new Set(),
  }
}

/** Once at start: git is new enough, and its only hooks are ours. */
export async function prepareGitStorage(storage: GitStorage): Promise<void> {
  await checkGitVersion(storage.git)
  const target = hooksFolder(storage.settings)
  await mkdir(target, { recursive: true, mode: 0o700 })
  for (const hook of ['pre-receive', 'post-receive']) {
    const draft = join(target, `.${hook}.${process.pid}`)
    await copyFile(fileURLToPath(new URL(`./hooks/${hook}`, import.meta.url)), draft)
    await chmod(draft, 0o700)
    await rename(draft, join(target, hook))
  }
}
