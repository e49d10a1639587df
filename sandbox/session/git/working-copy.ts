import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SessionFile } from '@helix/contract/link'
import type { Restore } from '../checkpoint/restore.ts'
import { type Log, reasonOf } from '../log.ts'
import type { Git } from './git.ts'
import { cloneFromMirror } from './mirror.ts'

export type RepositorySpec = SessionFile['repositories'][number]

/** How long a first start waits for a control plane that is away; a later start has everything it needs on its volume. */
const cloneDeadlineMs = 300_000
const fetchDeadlineMs = 5000

/** A repository of the session, checked out at `/workspace/<name>`. */
export interface WorkingCopy {
  spec: RepositorySpec
  git: Git
}

/**
 * The working copy on the session's volume: cloned and put on the task's branch by the first start; kept as it is by later ones, uncommitted work
 * too. A clone that died half way lies under another name and is begun again. With `restore` it is made anew, as the checkpoint has it.
 */
export async function prepareWorkingCopy(
  root: Git,
  controlPlaneUrl: string,
  spec: RepositorySpec,
  log: Log,
  restore: Restore | null,
): Promise<WorkingCopy> {
  const url = `${controlPlaneUrl.replace(/\/$/, '')}${spec.clonePath}`
  const copy = { spec, git: root.in(join(root.folder, spec.name)) }
  if (restore === null && (await isRepository(root, copy.git.folder))) await refresh(copy, url, log)
  else await clone(root, copy, url, restore, log)
  return copy
}

async function isRepository(root: Git, folder: string): Promise<boolean> {
  return (await root.find('-C', folder, 'rev-parse', '--git-dir')) === '.git'
}

async function clone(root: Git, { spec, git }: WorkingCopy, url: string, restore: Restore | null, log: Log): Promise<void> {
  const partial = root.in(join(root.folder, `.clone-${spec.name}`))
  await rm(partial.folder, { recursive: true, force: true })
  if (!(await cloneFromMirror(root, spec.name, url, partial.folder, cloneDeadlineMs, log)))
    await root.remote(['clone', '--quiet', '--no-checkout', url, partial.folder], cloneDeadlineMs)
  if (restore === null || !(await restore.copy(partial, spec))) await beginBranch(partial, spec)
  // A folder that is there and is no repository is somebody's work too.
  if (await exists(git.folder)) await rename(git.folder, `${git.folder}.before-${Date.now()}`)
  await rename(partial.folder, git.folder)
}

/** The task's branch as the control plane has it, else begun from the base branch, else unborn in a repository without commits. */
async function beginBranch(git: Git, { branch, baseBranch, defaultBranch }: RepositorySpec): Promise<void> {
  if (await hasRemoteBranch(git, branch)) {
    await git.ask('checkout', '--quiet', '-b', branch, '--track', `origin/${branch}`)
    return
  }
  for (const base of [baseBranch, defaultBranch]) {
    if (!(await hasRemoteBranch(git, base))) continue
    await git.ask('checkout', '--quiet', '--no-track', '-b', branch, `origin/${base}`)
    return
  }
  await git.ask('symbolic-ref', 'HEAD', `refs/heads/${branch}`)
}

async function refresh({ spec, git }: WorkingCopy, url: string, log: Log): Promise<void> {
  await git.removeStaleLocks()
  await git.ask('remote', 'set-url', 'origin', url)
  try {
    await git.remote(['fetch', '--quiet', 'origin'], fetchDeadlineMs)
  } catch (error) {
    log.warn('fetch failed; going on with what the volume has', { repository: spec.name, reason: reasonOf(error) })
  }
  await fastForward(git, spec.branch)
}

/** A volume that was left behind while the session ran elsewhere catches up, when nothing of its own is in the way. */
export async function fastForward(git: Git, branch: string): Promise<void> {
  if (!(await hasRemoteBranch(git, branch))) return
  if ((await git.find('symbolic-ref', '--short', 'HEAD')) !== branch || (await git.find('status', '--porcelain')) !== '') return
  await git.find('merge', '--quiet', '--ff-only', `refs/remotes/origin/${branch}`)
}

export async function hasRemoteBranch(git: Git, branch: string): Promise<boolean> {
  return (await git.find('rev-parse', '--verify', '--quiet', `refs/remotes/origin/${branch}^{commit}`)) !== undefined
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
