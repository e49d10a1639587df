import type { RateLimits } from '@helix/contract/budgets'
import type { OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { budgetsChanged } from '../line.ts'

const scopes = ['organisation', 'key', 'session'] as const
const unlimited = { requestsPerMinute: null, tokensPerMinute: null }

export async function limitsOf(db: Knex, orgId: OrgId): Promise<RateLimits> {
  const rows = await db('rate_limits').where({ org_id: orgId })
  const limits: RateLimits = { organisation: unlimited, key: unlimited, session: unlimited }
  for (const row of rows)
    limits[row.scope as keyof RateLimits] = { requestsPerMinute: row.requests_per_minute, tokensPerMinute: row.tokens_per_minute }
  return limits
}

export async function writeLimits(trx: Knex, orgId: OrgId, limits: RateLimits): Promise<void> {
  await trx('rate_limits').where({ org_id: orgId }).delete()
  const rows = scopes.map((scope) => {
    const { requestsPerMinute, tokensPerMinute } = limits[scope]
    return { org_id: orgId, scope, requests_per_minute: requestsPerMinute, tokens_per_minute: tokensPerMinute }
  })
  await trx('rate_limits').insert(rows)
  await budgetsChanged(trx, orgId)
}

/** What a bucket gave: how much, and how long it takes until it has what was lacked. Units: as the bucket; milliseconds. */
export interface Draw {
  taken: number
  waitMs: number
}

/**
 * Takes up to `wanted`, and nothing where there is not `least`, from the bucket that all processes share. It fills by the database's clock at
 * `perMinute`, and holds a minute's worth; a clock that jumps fills it once.
 */
export async function draw(
  db: Knex,
  orgId: OrgId,
  name: string,
  { perMinute, least, wanted }: { perMinute: number; least: number; wanted: number },
): Promise<Draw> {
  return db.transaction(async (trx) => {
    await trx.raw(`set local lock_timeout = '2s'`)
    await trx.raw(`insert into rate_buckets (org_id, name, level, filled_at) values (?, ?, ?, clock_timestamp()) on conflict do nothing`, [
      orgId,
      name,
      perMinute,
    ])
    const { rows } = (await trx.raw(
      `select least(?::float8, level + greatest(0, extract(epoch from clock_timestamp() - filled_at)) * ?::float8 / 60)::float8 as level
       from rate_buckets where org_id = ? and name = ? for update`,
      [perMinute, perMinute, orgId, name],
    )) as { rows: { level: number }[] }
    const level = rows[0]?.level ?? 0
    const taken = level < least ? 0 : Math.min(wanted, Math.floor(level))
    await trx('rate_buckets')
      .where({ org_id: orgId, name })
      .update({ level: level - taken, filled_at: trx.raw('clock_timestamp()') })
    return { taken, waitMs: taken > 0 ? 0 : Math.ceil(((least - level) / perMinute) * 60_000) }
  })
}

/** What was drawn and not used. */
export async function pourBack(db: Knex, orgId: OrgId, name: string, amount: number): Promise<void> {
  await db('rate_buckets').where({ org_id: orgId, name }).increment('level', amount)
}

/** Those that have filled up long ago. */
export async function dropFull(db: Knex): Promise<void> {
  await db('rate_buckets').whereRaw(`filled_at < now() - interval '10 minutes'`).delete()
}
