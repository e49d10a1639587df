import { getMe } from '@helix/contract/identity'
import { roleGrants } from '@helix/contract/permissions'
import { getSystem } from '@helix/contract/system'
import { redirect } from '@sveltejs/kit'
import { ask } from '#lib/load.ts'
import { routes } from '#lib/routes.ts'
import type { PageLoad } from './$types'

/** Who can set things up begins with the first steps until they are done or put away. */
export const load: PageLoad = async (event) => {
  const [{ role }, { gettingStarted }] = await Promise.all([ask(event, getMe, {}), ask(event, getSystem, {})])
  redirect(307, gettingStarted && roleGrants(role, 'organisation:write') ? routes.welcome() : routes.projects())
}
