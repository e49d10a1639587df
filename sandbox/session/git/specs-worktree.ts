import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Git, GitFailure } from './git.ts'
import { fastForward, hasRemoteBranch } from './working-copy.ts'

export const specsBranch = 'helix-specs'

const readme =
  '# Specifications\n\nThe specs of this repository’s tasks, one folder per task under `design/tasks`. Agents write them, people review them.\n'
const networkDeadlineMs = 120_000
/** Times that another session may be faster at creating the branch before something else is wrong. */
const mostTries = 5

/**
 * The worktree `/workspace/helix-specs` of the primary repository. `whole` says that an earlier start finished making it; what a start that
 * died left is made again. Answers with the worktree.
 */
export async function prepareSpecsWorktree(primary: Git, workspace: string, whole: boolean): Promise<Git> {
  const specs = primary.in(join(workspace, specsBranch))
  await makeSpecsBranch(primary)
  if (whole && (await isWorktree(primary, specs))) {
    await fastForward(specs, specsBranch)
    return specs
  }
  await primary.find('worktree', 'unlock', specs.folder)
  await rm(specs.folder, { recursive: true, force: true })
  await primary.ask('worktree', 'prune', '--expire=now')
  const local = (await primary.find('rev-parse', '--verify', '--quiet', `refs/heads/${specsBranch}`)) !== undefined
  if (local) await primary.ask('worktree', 'add', '--quiet', specs.folder, specsBranch)
  else await primary.ask('worktree', 'add', '--quiet', '--track', '-b', specsBranch, specs.folder, `origin/${specsBranch}`)
  return specs
}

async function isWorktree(primary: Git, specs: Git): Promise<boolean> {
  return (await primary.find('-C', specs.folder, 'symbolic-ref', '--short', 'HEAD')) === specsBranch
}

/** The branch on the control plane: created from nothing by the first session of the repository, taken by the others. */
async function makeSpecsBranch(git: Git): Promise<void> {
  for (let tries = 1; !(await hasRemoteBranch(git, specsBranch)); tries++) {
    const commit = await firstCommit(git)
    try {
      await git.remote(['push', '--quiet', 'origin', `${commit}:refs/heads/${specsBranch}`], networkDeadlineMs)
    } catch (error) {
      if (!(error instanceof GitFailure) || error.kind !== 'rejected' || tries === mostTries) throw error
    }
    // Ours or the one of the session that was faster.
    await git.remote(['fetch', '--quiet', 'origin'], networkDeadlineMs)
  }
}

async function firstCommit(git: Git): Promise<string> {
  const blob = await git.feed(readme, 'hash-object', '-w', '--stdin')
  const tree = await git.feed(`100644 blob ${blob}\tREADME.md\n`, 'mktree')
  return git.ask('commit-tree', tree, '-m', 'Begin the specifications')
}
