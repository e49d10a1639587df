import type { OrgId } from '@helix/contract/ids'
import type { ProviderHealth } from '@helix/contract/providers'
import type { Knex } from 'knex'

/** Units: minutes. */
const lookedBackMinutes = 15

interface Row {
  provider_id: string
  calls: number
  failed: number
  limited: number
  first_byte_ms: number | null
  last_failure: Date | null
}

/** One failure among many calls is weather; half of them is a fault. */
function stateOf({ calls, failed, limited }: Row): ProviderHealth['state'] {
  if (calls === 0) return 'unused'
  if (failed * 2 >= calls) return 'failing'
  return limited * 5 >= calls ? 'limited' : 'well'
}

/** How providers did for this organisation's calls lately, over all replicas. */
export async function healthOf(db: Knex, orgId: OrgId): Promise<Map<string, ProviderHealth>> {
  const { rows } = (await db.raw(
    `select provider_id, count(*)::int as calls,
       (count(*) filter (where status in (401, 403) or status >= 500))::int as failed,
       (count(*) filter (where status = 429))::int as limited,
       (percentile_cont(0.5) within group (order by first_byte_ms) filter (where status < 400))::int as first_byte_ms,
       max(created_at) filter (where status in (401, 403, 429) or status >= 500) as last_failure
     from usage where org_id = ? and provider_id is not null and created_at > now() - ? * interval '1 minute' group by provider_id`,
    [orgId, lookedBackMinutes],
  )) as { rows: Row[] }
  return new Map(
    rows.map((row) => [
      row.provider_id,
      {
        ...{ state: stateOf(row), calls: row.calls, failed: row.failed, limited: row.limited, firstByteMs: row.first_byte_ms },
        lastFailureAt: row.last_failure?.toISOString() ?? null,
      },
    ]),
  )
}
