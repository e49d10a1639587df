import type { RepositoryId } from '@helix/contract/ids'
import { getFile, getTree, listBranches, listCommits } from '@helix/contract/repositories'
import { error } from '@sveltejs/kit'
import { ask } from '#lib/load.ts'
import type { RepositoryTab } from '#lib/routes.ts'

type Event = Parameters<typeof ask>[0]

type At = { ref?: string }

/** One folder, with its readme where it has one. */
async function loadFolder(event: Event, repositoryId: RepositoryId, at: At, path: string) {
  const params = { repositoryId }
  const tree = await ask(event, getTree, { params, query: { ...at, path } })
  const readme = tree.entries.find(({ name, kind }) => kind === 'file' && /^readme\.(md|markdown)$/i.test(name))
  if (readme === undefined) return { tree, file: null, readme: null }
  const file = await ask(event, getFile, { params, query: { ...at, path: path === '' ? readme.name : `${path}/${readme.name}` } })
  return { tree, file: null, readme: file.text }
}

/** A path in the URL may name a folder or a file: the entries of its parent say which. */
export async function loadFiles(event: Event, repositoryId: RepositoryId, at: At, path: string) {
  if (path === '') return loadFolder(event, repositoryId, at, path)
  const slash = path.lastIndexOf('/')
  const params = { repositoryId }
  const tree = await ask(event, getTree, { params, query: { ...at, path: path.slice(0, Math.max(0, slash)) } })
  const entry = tree.entries.find(({ name }) => name === path.slice(slash + 1))
  if (entry === undefined) error(404, 'There is no such file on this branch.')
  if (entry.kind === 'folder') return loadFolder(event, repositoryId, at, path)
  return { tree, file: await ask(event, getFile, { params, query: { ...at, path } }), readme: null }
}

/** What one tab of a repository shows at a branch or commit. */
export async function loadRepositoryTab(
  event: Event,
  repositoryId: RepositoryId,
  tab: RepositoryTab,
  ref: string | undefined,
  path: string,
) {
  const at = ref === undefined ? {} : { ref }
  if (tab === 'branches') return { tab } as const
  if (tab === 'commits')
    return { tab, commits: await ask(event, listCommits, { params: { repositoryId }, query: { ...at, path } }) } as const
  return { tab, ...(await loadFiles(event, repositoryId, at, path)) } as const
}
export type RepositoryTabData = Awaited<ReturnType<typeof loadRepositoryTab>>

export const loadBranches = async (event: Event, repositoryId: RepositoryId) =>
  (await ask(event, listBranches, { params: { repositoryId } })).items
