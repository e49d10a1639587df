import { listProjects } from '@helix/contract/projects'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const since = live.position()
  const archived = event.url.searchParams.get('archived') === 'only' ? ('only' as const) : ('without' as const)
  return { since, archived, projects: await ask(event, listProjects, { query: { limit: 200, archived } }) }
}
