import { branchName, commitHash, treePath } from '@helix/contract/repositories'
import { commitFiles } from './commit.ts'
import { diffTrees } from './diff.ts'
import type { RepoKey } from './environment.ts'
import { commitFormat, emptyTreeFor, findCommit, findMergeBase, parseCommits } from './history.ts'
import { type MergeTools, mergeBranch } from './merge.ts'
import type { Changes, GitPort } from './port.ts'
import { readBlob } from './tree.ts'

export interface GitInput extends MergeTools {
  /** Records what a merge moved; the push log's flush. */
  flush(repo: RepoKey): Promise<void>
}

const commitLimit = 200

/** A full object id or ref for what a caller names; null for what cannot be a branch or commit, so that nothing odd reaches git. */
export function fullName(ref: string): string | null {
  if (commitHash.safeParse(ref).success) return ref
  if (!branchName.safeParse(ref).success) return null
  return /^refs\/(heads|tags)\//.test(ref) ? ref : `refs/heads/${ref}`
}

export function createGit(input: GitInput): GitPort {
  const { git, folderOf } = input.storage
  const resolve = async (repo: RepoKey, ref: string): Promise<string | null> => {
    const name = fullName(ref)
    return name === null ? null : findCommit(git, folderOf(repo), name)
  }

  return {
    resolveCommit: resolve,

    async firstParent(repo, commit) {
      const name = fullName(commit)
      return name === null ? null : findCommit(git, folderOf(repo), `${name}^1`)
    },

    async readFile(repo, commit, path) {
      const at = await resolve(repo, commit)
      if (at === null || !treePath.safeParse(path).success || path === '') return null
      return (await readBlob(git, folderOf(repo), at, path))?.text ?? null
    },

    async changes(repo, base, head): Promise<Changes> {
      const gitDir = folderOf(repo)
      const [from, to] = await Promise.all([resolve(repo, base), resolve(repo, head)])
      if (to === null) return { mergeBase: null, commits: [], files: [], truncated: false }
      const mergeBase = from === null ? null : await findMergeBase(git, gitDir, from, to)
      const range = from === null ? [to] : [to, `^${from}`]
      const [log, diff] = await Promise.all([
        git(['log', '-z', commitFormat, '--encoding=UTF-8', `--max-count=${commitLimit}`, ...range, '--'], { gitDir }),
        diffTrees(git, gitDir, mergeBase ?? emptyTreeFor(to), to),
      ])
      return { mergeBase, commits: parseCommits(log.stdout), ...diff }
    },

    async countAhead(repo, base, head) {
      const [from, to] = await Promise.all([resolve(repo, base), resolve(repo, head)])
      if (to === null) return 0
      const range = from === null ? [to] : [to, `^${from}`]
      const { stdout } = await git(['rev-list', '--count', ...range, '--'], { gitDir: folderOf(repo) })
      return Number(stdout.toString().trim())
    },

    async mergeBranch(repo, merge) {
      const baseRef = fullName(merge.baseRef)
      const head = fullName(merge.head)
      if (baseRef === null || !baseRef.startsWith('refs/heads/')) return { outcome: 'failed', reason: `${merge.baseRef} is not a branch.` }
      if (head === null) return { outcome: 'failed', reason: `${merge.head} is not a commit.` }
      const outcome = await mergeBranch(input, repo, { ...merge, head }, baseRef)
      if (outcome.outcome === 'merged') await input.flush(repo)
      return outcome
    },

    async commitFiles(repo, commit) {
      const ref = fullName(commit.ref)
      if (ref === null || !ref.startsWith('refs/heads/')) return { outcome: 'failed', reason: `${commit.ref} is not a branch.` }
      const odd = commit.files.find(({ path }) => path === '' || !treePath.safeParse(path).success)
      if (odd !== undefined) return { outcome: 'failed', reason: `${odd.path} is not a path.` }
      const outcome = await commitFiles(input, repo, commit, ref)
      if (outcome.outcome === 'committed') await input.flush(repo)
      return outcome
    },
  }
}
