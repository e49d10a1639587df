import type { ProjectId } from '@helix/contract/ids'
import { listSessions } from '@helix/contract/session-life'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const since = live.position()
  return { since, sessions: await ask(event, listSessions, { params: { projectId: event.params.projectId as ProjectId } }) }
}
