import { getOwnRole } from '@helix/contract/access'
import type { SessionId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import { getProject } from '@helix/contract/projects'
import { getSession } from '@helix/contract/sessions'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import { sessionTabs } from '#lib/routes.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const since = live.position()
  const session = await ask(event, getSession, { params: { sessionId: event.params.sessionId as SessionId } })
  const input = { params: { projectId: session.projectId } }
  const [project, { role }] = await Promise.all([ask(event, getProject, input), ask(event, getOwnRole, input)])
  const tab = sessionTabs.find((known) => known === event.url.searchParams.get('tab')) ?? 'terminal'
  return { since, session, project, tab, mayWrite: roleGrants(role, 'task:write') }
}
