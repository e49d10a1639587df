import { listRepositories } from '@helix/contract/repositories'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const since = live.position()
  return { since, repositories: (await ask(event, listRepositories, { query: { limit: 200 } })).items }
}
