import { setTimeout as wait } from 'node:timers/promises'
import type { PushId } from '@helix/contract/ids'
import type { RepoKey } from './environment.ts'
import { findCommit, findMergeBase, parseNames, reasonOf } from './history.ts'
import { noteIntent, type Pusher, removeIntent } from './intents.ts'
import type { MergeInput, MergeOutcome } from './port.ts'
import { type Git, GitError } from './run.ts'
import type { GitStorage } from './storage.ts'

export interface MergeTools {
  storage: GitStorage
  newPushId: () => PushId
}

const attempts = 8
const merged = (commit: string): MergeOutcome => ({ outcome: 'merged', commit })
const failed = (reason: string): MergeOutcome => ({ outcome: 'failed', reason })

/** Tries again while others move the base branch. The outcome says what is true in git, whoever made it so. */
export async function mergeBranch(tools: MergeTools, repo: RepoKey, input: MergeInput, baseRef: string): Promise<MergeOutcome> {
  const { git } = tools.storage
  const gitDir = tools.storage.folderOf(repo)
  const head = await findCommit(git, gitDir, input.head)
  if (head === null) return failed(`The commit ${input.head} is not in the repository.`)
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const base = await findCommit(git, gitDir, baseRef)
    const answer = base === null ? { tip: head } : await decide(git, gitDir, base, head, input)
    if ('outcome' in answer) return answer
    if (await moveBase(tools, repo, input, { ref: baseRef, oldCommit: base, newCommit: answer.tip })) return merged(answer.tip)
    // Somebody else moved it, or holds its lock for a moment.
    await wait(20 * attempt)
  }
  return failed(`${baseRef} moved each time the merge was about to be written.`)
}

/** An outcome that needs no writing, or the commit that the base branch should move to. */
async function decide(git: Git, gitDir: string, base: string, head: string, input: MergeInput): Promise<MergeOutcome | { tip: string }> {
  const earlier = await findEarlierMerge(git, gitDir, base, head, input.trailer)
  if (earlier !== null) return merged(earlier)
  const common = await findMergeBase(git, gitDir, base, head)
  if (common === head) return merged(base)
  if (common === null) return failed('The two branches share no history, so they cannot be merged.')
  try {
    const tree = await mergeTrees(git, gitDir, base, head)
    return 'files' in tree
      ? { outcome: 'conflict', files: tree.files }
      : { tip: await commitMerge(git, gitDir, tree.tree, base, head, input) }
  } catch (error) {
    if (error instanceof GitError) return failed(reasonOf(error))
    throw error
  }
}

/** The merge of this head that an earlier try made: it is in base but not in head, has head as its second parent and carries the trailer. */
async function findEarlierMerge(
  git: Git,
  gitDir: string,
  base: string,
  head: string,
  trailer: MergeInput['trailer'],
): Promise<string | null> {
  const format = `--format=tformat:%H%x00%P%x00%(trailers:key=${trailer.key},valueonly,separator=%x0A)`
  const search = ['--fixed-strings', `--grep=${trailer.key}: ${trailer.value}`]
  const { stdout } = await git(['log', '-z', '--merges', ...search, format, base, `^${head}`, '--'], { gitDir })
  const values = parseNames(stdout)
  for (let at = 0; at + 2 < values.length; at += 3) {
    const [hash = '', parents = '', found = ''] = values.slice(at, at + 3)
    if (parents.split(' ')[1] === head && found.split('\n').some((value) => value.trim() === trailer.value)) return hash
  }
  return null
}

async function mergeTrees(git: Git, gitDir: string, base: string, head: string): Promise<{ tree: string } | { files: string[] }> {
  const { code, stdout } = await git(['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', base, head], {
    gitDir,
    codes: [0, 1],
  })
  const [tree = '', ...files] = parseNames(stdout)
  return code === 0 ? { tree } : { files: [...new Set(files.filter((file) => file !== ''))] }
}

async function commitMerge(git: Git, gitDir: string, tree: string, base: string, head: string, input: MergeInput): Promise<string> {
  const { name, email } = input.author
  const { stdout } = await git(['commit-tree', '-p', base, '-p', head, '-F', '-', tree], {
    gitDir,
    input: `${input.message.trimEnd()}\n\n${input.trailer.key}: ${input.trailer.value}\n`,
    env: {
      GIT_AUTHOR_NAME: nameFor(name),
      GIT_AUTHOR_EMAIL: nameFor(email),
      GIT_COMMITTER_NAME: nameFor(name),
      GIT_COMMITTER_EMAIL: nameFor(email),
    },
  })
  return stdout.toString().trim()
}

/** git takes no `<`, `>` or line ends in a name, and not nothing. */
export const nameFor = (value: string): string => value.replace(/[<>\u0000-\u001f]/g, ' ').trim() || 'unknown'

/** False when the ref does not stand at `oldCommit` any more. The intent makes the push log record it, also after a kill. */
export async function moveBase(
  tools: MergeTools,
  repo: RepoKey,
  input: Pick<MergeInput, 'userId'> & { reason?: string },
  move: { ref: string; oldCommit: string | null; newCommit: string },
): Promise<boolean> {
  const { git, running } = tools.storage
  const gitDir = tools.storage.folderOf(repo)
  const id = tools.newPushId()
  const pusher: Pusher = input.userId === null ? { kind: 'system', id: 'helix' } : { kind: 'person', id: input.userId }
  running.add(id)
  try {
    await noteIntent(gitDir, id, pusher, move)
    const old = move.oldCommit ?? '0'.repeat(move.newCommit.length)
    const { code } = await git(['update-ref', '-m', input.reason ?? 'merge', move.ref, move.newCommit, old], { gitDir, codes: [0, 1, 128] })
    if (code !== 0) await removeIntent(gitDir, id)
    return code === 0
  } finally {
    running.delete(id)
  }
}
