import { getRateLimits, listBudgets } from '@helix/contract/budgets'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const since = live.position()
  const [shown, rates] = await Promise.all([ask(event, listBudgets, {}), ask(event, getRateLimits, {})])
  return { since, shown, rates }
}
