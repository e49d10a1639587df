import type { RepositoryId } from '@helix/contract/ids'
import { loadRepositoryTab } from '#lib/repositories/load.ts'
import { repositoryTabs } from '#lib/routes.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const query = event.url.searchParams
  const tab = repositoryTabs.find((known) => known === query.get('tab')) ?? 'files'
  const ref = query.get('ref') ?? undefined
  const path = query.get('path') ?? ''
  return {
    ref,
    path,
    origin: event.url.origin,
    shown: await loadRepositoryTab(event, event.params.repositoryId as RepositoryId, tab, ref, path),
  }
}
