import type { Commit } from '@helix/contract/repositories'
import { wellFormed } from '@helix/contract/text'
import { type Git, GitError } from './run.ts'

const fields = ['%H', '%P', '%an', '%ae', '%at', '%s']
/** One commit is six fields, each ended by NUL. */
export const commitFormat = `--format=tformat:${fields.join('%x00')}`

const timeOf = (seconds: string): string => {
  const time = new Date(Number(seconds) * 1000)
  return (Number.isNaN(time.getTime()) || time.getUTCFullYear() > 9999 ? new Date(0) : time).toISOString()
}

/** Parses `git log -z` with `commitFormat`; a last commit cut off by the byte limit is left out. */
export function parseCommits(stdout: Buffer): Commit[] {
  const values = stdout.toString('utf8').split('\0')
  const commits: Commit[] = []
  for (let at = 0; at + fields.length < values.length; at += fields.length) {
    const [hash = '', parents = '', authorName = '', authorEmail = '', seconds = '', subject = ''] = values.slice(at, at + fields.length)
    commits.push({
      hash,
      subject: wellFormed(subject).slice(0, 1000).toWellFormed(),
      authorName: wellFormed(authorName).slice(0, 200).toWellFormed(),
      authorEmail: wellFormed(authorEmail).slice(0, 320).toWellFormed(),
      authoredAt: timeOf(seconds),
      parents: parents === '' ? [] : parents.split(' '),
    })
  }
  return commits
}

/** Splits NUL-ended names; bytes that are not UTF-8 become U+FFFD. */
export const parseNames = (stdout: Buffer): string[] => stdout.toString('utf8').split('\0').slice(0, -1)

/** Null when the name leads to no commit. `name` is a full ref or a full object id, so that it cannot be an option. */
export async function findCommit(git: Git, gitDir: string, name: string): Promise<string | null> {
  const { code, stdout } = await git(['rev-parse', '--verify', '--quiet', `${name}^{commit}`], { gitDir, codes: [0, 1, 128] })
  return code === 0 ? stdout.toString().trim() : null
}

export async function findMergeBase(git: Git, gitDir: string, a: string, b: string): Promise<string | null> {
  const { code, stdout } = await git(['merge-base', a, b], { gitDir, codes: [0, 1] })
  return code === 0 ? stdout.toString().trim() : null
}

/** The id of the tree without entries in the hash of this commit. */
export const emptyTreeFor = (commit: string): string =>
  commit.length === 64 ? '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321' : '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

/** Every branch and tag with the object it names. */
export async function listRefs(git: Git, gitDir: string): Promise<Map<string, string>> {
  const { stdout } = await git(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags'], {
    gitDir,
    maxBytes: 64 * 1024 * 1024,
  })
  const refs = new Map<string, string>()
  for (const row of stdout.toString('utf8').split('\n')) {
    const space = row.indexOf(' ')
    if (space > 0) refs.set(row.slice(space + 1), row.slice(0, space))
  }
  return refs
}

const commitLimit = 200
const pathLimit = 10_000

/** What a move of a ref brought: its newest commits and the paths that differ. A ref that went away brought nothing. */
export async function describeMove(
  git: Git,
  gitDir: string,
  move: { ref: string; oldCommit: string | null; newCommit: string | null },
  defaultBranch: string,
): Promise<{ commits: Commit[]; paths: string[] }> {
  const head = move.newCommit === null ? null : await findCommit(git, gitDir, move.newCommit)
  if (head === null) return { commits: [], paths: [] }
  const base = await whereFrom(git, gitDir, move, defaultBranch)
  const range = base === null ? [head] : [head, `^${base}`]
  const log = await git(['log', '-z', commitFormat, '--encoding=UTF-8', `--max-count=${commitLimit}`, ...range, '--'], { gitDir })
  const from = base === null ? emptyTreeFor(head) : ((await findMergeBase(git, gitDir, base, head)) ?? emptyTreeFor(head))
  const since = move.oldCommit !== null && base === move.oldCommit ? base : from
  const diff = await git(['diff-tree', '-r', '-z', '--name-only', since, head], { gitDir })
  return { commits: parseCommits(log.stdout), paths: parseNames(diff.stdout).slice(0, pathLimit) }
}

/** The commit a move is measured against: where the ref was, else the default branch for a new branch. */
async function whereFrom(
  git: Git,
  gitDir: string,
  move: { ref: string; oldCommit: string | null },
  defaultBranch: string,
): Promise<string | null> {
  if (move.oldCommit !== null) {
    const old = await findCommit(git, gitDir, move.oldCommit)
    if (old !== null) return old
  }
  const defaultRef = `refs/heads/${defaultBranch}`
  if (move.ref === defaultRef) return null
  const base = await findCommit(git, gitDir, defaultRef)
  return base
}

/** A reason to show: git's own words without its prefixes. */
export const reasonOf = (error: unknown): string =>
  error instanceof GitError ? error.stderr.replace(/^(fatal|error): /gm, '').slice(0, 500) : 'git failed'
