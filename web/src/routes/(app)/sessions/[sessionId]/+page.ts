import { getOwnRole } from '@helix/contract/access'
import type { SessionId } from '@helix/contract/ids'
import { getProject } from '@helix/contract/projects'
import { getSessionAgent } from '@helix/contract/session-agent'
import { getJournal, getSession } from '@helix/contract/sessions'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const since = live.position()
  const params = { sessionId: event.params.sessionId as SessionId }
  const [session, agent, journal] = await Promise.all([
    ask(event, getSession, { params }),
    ask(event, getSessionAgent, { params }),
    ask(event, getJournal, { params, query: { limit: 500 } }),
  ])
  const input = { params: { projectId: session.projectId } }
  const [project, { role }] = await Promise.all([ask(event, getProject, input), ask(event, getOwnRole, input)])
  return { since, first: { session, agent, journal }, project, role }
}
