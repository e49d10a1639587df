import { listInvitations, listPeople, listTeams } from '@helix/contract/organisations'
import { roleGrants } from '@helix/contract/permissions'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const { principal } = await event.parent()
  const mayInvite = roleGrants(principal.role, 'organisation:write')
  const [people, teams, invitations] = await Promise.all([
    ask(event, listPeople, {}),
    ask(event, listTeams, {}),
    mayInvite ? ask(event, listInvitations, {}) : { items: [] },
  ])
  return { people: people.items, teams: teams.items, invitations: invitations.items }
}
