import type { ProjectId } from '@helix/contract/ids'
import { inboxStates, listInbox } from '@helix/contract/inbox'
import { listProjects } from '@helix/contract/projects'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const since = live.position()
  const asked = event.url.searchParams.get('state')
  const state = inboxStates.find((one) => one === asked) ?? 'open'
  const projectId = (event.url.searchParams.get('project') ?? undefined) as ProjectId | undefined
  const [inbox, projects] = await Promise.all([
    ask(event, listInbox, { query: { state, projectId } }),
    ask(event, listProjects, { query: { limit: 200 } }),
  ])
  return { since, view: { state, projectId }, inbox, projects: projects.items }
}
