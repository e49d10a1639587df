import { listPeople, listTeams } from '@helix/contract/organisations'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const [people, teams] = await Promise.all([ask(event, listPeople, {}), ask(event, listTeams, {})])
  return { people: people.items, teams: teams.items }
}
