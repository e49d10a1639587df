import { listApiKeys } from '@helix/contract/identity'
import { listHosts } from '@helix/contract/system'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const [keys, hosts] = await Promise.all([ask(event, listApiKeys, {}), ask(event, listHosts, {})])
  return { keys: keys.items, hosts: hosts.items }
}
