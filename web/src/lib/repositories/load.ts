import type { RepositoryId } from '@helix/contract/ids'
import { getFile, getTree, listBranches, listCommits } from '@helix/contract/repositories'
import { error } from '@sveltejs/kit'
import { ask } from '#lib/load.ts'
import type { RepositoryTab } from '#lib/routes.ts'

type Event = Parameters<typeof ask>[0]

/** A path in the URL may name a folder or a file: the entries of its parent say which. */
async function loadFiles(event: Event, repositoryId: RepositoryId, ref: string | undefined, path: string) {
  const params = { repositoryId }
  const at = ref === undefined ? {} : { ref }
  if (path === '') return { tree: await ask(event, getTree, { params, query: at }), file: null }
  const parent = path.split('/').slice(0, -1).join('/')
  const tree = await ask(event, getTree, { params, query: { ...at, path: parent } })
  const entry = tree.entries.find(({ name }) => name === path.slice(parent === '' ? 0 : parent.length + 1))
  if (entry === undefined) error(404, 'There is no such file on this branch.')
  if (entry.kind === 'folder') return { tree: await ask(event, getTree, { params, query: { ...at, path } }), file: null }
  return { tree, file: await ask(event, getFile, { params, query: { ...at, path } }) }
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
  return { tab, ...(await loadFiles(event, repositoryId, ref, path)) } as const
}
export type RepositoryTabData = Awaited<ReturnType<typeof loadRepositoryTab>>

export const loadBranches = async (event: Event, repositoryId: RepositoryId) =>
  (await ask(event, listBranches, { params: { repositoryId } })).items
