import type { RepositoryId } from '@helix/contract/ids'
import { getRepository } from '@helix/contract/repositories'
import { ask } from '#lib/load.ts'
import { loadBranches } from '#lib/repositories/load.ts'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async (event) => {
  const repositoryId = event.params.repositoryId as RepositoryId
  const [repository, branches] = await Promise.all([
    ask(event, getRepository, { params: { repositoryId } }),
    loadBranches(event, repositoryId),
  ])
  return { repository, branches }
}
