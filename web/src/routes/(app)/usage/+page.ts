import { getUsage, usageQuery } from '@helix/contract/usage'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

/** What the address says; nonsense in it is left out. */
export const load: PageLoad = async (event) => {
  const given = Object.fromEntries(event.url.searchParams)
  const parsed = usageQuery.safeParse(given)
  const query = parsed.success ? parsed.data : usageQuery.parse({})
  return { report: await ask(event, getUsage, { query }), by: query.by }
}
