import { join } from 'node:path'
import type { Git } from '../git/git.ts'
import { writeTree } from './tree.ts'

/** One working copy as it is now. */
export interface CopySnapshot {
  tree: string
  /** Null while there is no commit. */
  head: string | null
  /** Null where HEAD is on a commit. */
  branch: string | null
  leftOut: string[]
}

/** Units: bytes. */
const limits = { file: 50 * 1024 ** 2, total: 256 * 1024 ** 2 }

/** All files but the ignored ones, through an index of its own: the working copy, its index and its HEAD stay as they are. */
export async function snapshotCopy(git: Git): Promise<CopySnapshot> {
  const gitDir = await git.ask('rev-parse', '--absolute-git-dir')
  const index = join(gitDir, 'helix-checkpoint-index')
  await git.shell('rm', '-f', index, `${index}.lock`)
  // What the index knows of unchanged files saves reading them.
  await git.shell('cp', '-f', join(gitDir, 'index'), index)
  try {
    const indexed = git.with({ GIT_INDEX_FILE: index })
    const { tree, leftOut } = await writeTree({ git: indexed, folder: git.folder, limits, listing: ['--exclude-standard'], adding: [] })
    const head = (await git.find('rev-parse', '--verify', '--quiet', 'HEAD^{commit}')) ?? null
    const branch = (await git.find('symbolic-ref', '--quiet', '--short', 'HEAD')) ?? null
    return { tree, head, branch, leftOut: [...leftOut, ...(await besides(git, gitDir))] }
  } finally {
    await git.shell('rm', '-f', index, `${index}.lock`)
  }
}

const underWay: [file: string, name: string][] = [
  ['MERGE_HEAD', 'a merge'],
  ['CHERRY_PICK_HEAD', 'a cherry-pick'],
  ['REVERT_HEAD', 'a revert'],
  ['rebase-merge', 'a rebase'],
  ['rebase-apply', 'a rebase'],
]

/** Work that is in no file. */
async function besides(git: Git, gitDir: string): Promise<string[]> {
  const found: string[] = []
  for (const [file, name] of underWay) if (await git.shell('test', '-e', join(gitDir, file))) found.push(`that ${name} is under way`)
  if ((await git.find('rev-parse', '--verify', '--quiet', 'refs/stash')) !== undefined) found.push('what is stashed')
  const elsewhere = Number((await git.find('rev-list', '--count', '--branches', '--not', '--remotes', 'HEAD')) ?? 0)
  if (elsewhere > 0) found.push(`${elsewhere} ${elsewhere === 1 ? 'commit' : 'commits'} on other branches that were not pushed`)
  return found
}
