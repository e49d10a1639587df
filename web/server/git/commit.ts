import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { RepoKey } from './environment.ts'
import { findCommit, reasonOf } from './history.ts'
import { type MergeTools, moveBase, nameFor } from './merge.ts'
import type { CommitInput, CommitOutcome } from './port.ts'
import { type Git, GitError } from './run.ts'
import { readBlob } from './tree.ts'

const attempts = 8

/** Tries again while others move the branch: only what they did to these files is in the way. */
export async function commitFiles(tools: MergeTools, repo: RepoKey, input: CommitInput, ref: string): Promise<CommitOutcome> {
  const { git } = tools.storage
  const gitDir = tools.storage.folderOf(repo)
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const head = await findCommit(git, gitDir, ref)
    if (head === null) return { outcome: 'failed', reason: `There is no branch ${ref}.` }
    const files = await changedSince(git, gitDir, head, input)
    if (files.length > 0) return { outcome: 'conflict', files }
    try {
      const commit = await commitOn(git, gitDir, head, input)
      const { userId } = input
      if (await moveBase(tools, repo, { userId, reason: 'commit' }, { ref, oldCommit: head, newCommit: commit }))
        return { outcome: 'committed', commit }
    } catch (error) {
      if (error instanceof GitError) return { outcome: 'failed', reason: reasonOf(error) }
      throw error
    }
    await wait(20 * attempt)
  }
  return { outcome: 'failed', reason: `${ref} moved each time the commit was about to be written.` }
}

async function changedSince(git: Git, gitDir: string, head: string, { files }: CommitInput): Promise<string[]> {
  const found = await Promise.all(files.map(async ({ path }) => (await readBlob(git, gitDir, head, path))?.text ?? null))
  return files.filter(({ expected }, index) => found[index] !== expected).map(({ path }) => path)
}

/** A commit over the head with these files in it, built in an index of its own. */
async function commitOn(git: Git, gitDir: string, head: string, { files, message, author }: CommitInput): Promise<string> {
  const index = join(gitDir, `helix-index-${randomUUID()}`)
  const env = { GIT_INDEX_FILE: index }
  try {
    await git(['read-tree', head], { gitDir, env })
    for (const { path, text } of files) {
      const { stdout } = await git(['hash-object', '-w', '--stdin'], { gitDir, input: text })
      await git(['update-index', '--add', '--cacheinfo', `100644,${stdout.toString().trim()},${path}`], { gitDir, env })
    }
    const tree = (await git(['write-tree'], { gitDir, env })).stdout.toString().trim()
    const [name, email] = [nameFor(author.name), nameFor(author.email)]
    const who = { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email }
    const { stdout } = await git(['commit-tree', '-p', head, '-F', '-', tree], { gitDir, input: `${message.trimEnd()}\n`, env: who })
    return stdout.toString().trim()
  } finally {
    await rm(index, { force: true })
    await rm(`${index}.lock`, { force: true })
  }
}
