import { HelixError } from '@helix/contract/errors'
import type { OrgId, RepositoryId } from '@helix/contract/ids'
import type { Commit, Repository } from '@helix/contract/repositories'
import type { Context } from '../context.ts'
import { commitFormat, parseCommits } from '../git/history.ts'
import { RepositoryStore } from './store.ts'

export interface Place {
  repository: Repository
  gitDir: string
  /** What the caller named, or the default branch. */
  ref: string
  /** Null in a repository without commits. */
  commit: string | null
}

export async function getRepositoryOf(context: Context, orgId: OrgId, id: RepositoryId): Promise<Repository> {
  const repository = await new RepositoryStore(context.db).find(orgId, id)
  if (repository === null) throw new HelixError('not_found')
  return repository
}

/** Finds where a caller wants to look. A branch nobody has is not found; the default branch of an empty repository is. */
export async function getPlace(context: Context, orgId: OrgId, id: RepositoryId, asked: string | undefined): Promise<Place> {
  const repository = await getRepositoryOf(context, orgId, id)
  const repo = { orgId, repositoryId: id }
  const ref = asked ?? repository.defaultBranch
  const commit = await context.git.resolveCommit(repo, ref)
  if (commit === null && ref !== repository.defaultBranch) throw new HelixError('not_found', 'There is no such branch or commit.')
  return { repository, gitDir: context.gitStorage.folderOf(repo), ref, commit }
}

export async function listBranchesOf(context: Context, orgId: OrgId, id: RepositoryId): Promise<{ name: string; commit: Commit }[]> {
  await getRepositoryOf(context, orgId, id)
  const { git, folderOf } = context.gitStorage
  const gitDir = folderOf({ orgId, repositoryId: id })
  const refs = await git(
    ['for-each-ref', '--count=1000', '--sort=-committerdate', '--format=%(objectname) %(refname:lstrip=2)', 'refs/heads'],
    { gitDir },
  )
  const branches = refs.stdout
    .toString('utf8')
    .split('\n')
    .filter((row) => row !== '')
    .map((row) => ({ hash: row.slice(0, row.indexOf(' ')), name: row.slice(row.indexOf(' ') + 1) }))
  if (branches.length === 0) return []
  const log = await git(['log', '-z', commitFormat, '--encoding=UTF-8', '--no-walk=unsorted', '--stdin'], {
    gitDir,
    input: branches.map(({ hash }) => `${hash}\n`).join(''),
  })
  const commits = new Map(parseCommits(log.stdout).map((commit) => [commit.hash, commit]))
  return branches.flatMap(({ name, hash }) => {
    const commit = commits.get(hash)
    return commit === undefined ? [] : [{ name, commit }]
  })
}

/** The start commit and how many were seen: a branch that moves meanwhile does not shift the pages. */
function cursorOf(cursor: string | undefined): { start: string | null; skip: number } {
  if (cursor === undefined) return { start: null, skip: 0 }
  const [, start, skip] = /^([0-9a-f]{40}|[0-9a-f]{64})\.(\d{1,9})$/.exec(cursor) ?? []
  if (start === undefined) throw new HelixError('invalid_request', 'cursor: not one of ours', { fields: { cursor: 'not one of ours' } })
  return { start, skip: Number(skip) }
}

export async function listCommitsAt(
  context: Context,
  place: Place,
  asked: { path: string; cursor: string | undefined; limit: number },
): Promise<{ items: Commit[]; nextCursor: string | null }> {
  const { start, skip } = cursorOf(asked.cursor)
  const from = start ?? place.commit
  if (from === null) return { items: [], nextCursor: null }
  const paths = asked.path === '' ? [] : [asked.path]
  const { stdout, code } = await context.gitStorage.git(
    ['log', '-z', commitFormat, '--encoding=UTF-8', `--max-count=${asked.limit + 1}`, `--skip=${skip}`, from, '--', ...paths],
    { gitDir: place.gitDir, codes: [0, 128] },
  )
  // A cursor may name a commit that is gone.
  if (code !== 0) throw new HelixError('not_found', 'There is no such branch or commit.')
  const commits = parseCommits(stdout)
  const more = commits.length > asked.limit
  return { items: commits.slice(0, asked.limit), nextCursor: more ? `${from}.${skip + asked.limit}` : null }
}
