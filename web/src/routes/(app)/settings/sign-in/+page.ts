import { listConnections } from '@helix/contract/connections'
import { getRegistration } from '@helix/contract/registration'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const [connections, registration] = await Promise.all([ask(event, listConnections, {}), ask(event, getRegistration, {})])
  return { connections: connections.items, registration }
}
