import { getFleet } from '@helix/contract/fleet'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const since = live.position()
  return { since, first: await ask(event, getFleet, {}) }
}
