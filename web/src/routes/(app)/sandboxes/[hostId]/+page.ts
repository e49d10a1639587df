import { getFleet } from '@helix/contract/fleet'
import { error } from '@sveltejs/kit'
import { words } from '#lib/fleet/messages.ts'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const since = live.position()
  const first = await ask(event, getFleet, {})
  const host = first.hosts.find(({ id }) => id === event.params.hostId)
  if (host === undefined) error(404, words.gone)
  const tab: 'overview' | 'log' = event.url.searchParams.get('tab') === 'log' ? 'log' : 'overview'
  return { since, first, hostId: host.id, name: host.name, tab }
}
