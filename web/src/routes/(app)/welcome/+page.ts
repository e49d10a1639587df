import { getOnboarding } from '@helix/contract/onboarding'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const since = live.position()
  return { since, steps: await ask(event, getOnboarding, {}) }
}
