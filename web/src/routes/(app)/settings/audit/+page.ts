import { listAudit } from '@helix/contract/audit'
import { conditionsOf, queryOf } from '#lib/audit/conditions.ts'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const { searchParams } = event.url
  return { audit: await ask(event, listAudit, { query: queryOf(conditionsOf(searchParams)) }) }
}
