import { type HelixEvent, helixEvent } from '@helix/contract/events'
import type { OrgId } from '@helix/contract/ids'
import { wellFormedJson } from '@helix/contract/text'
import type { Knex } from 'knex'

export interface StoredEvent {
  id: number
  event: HelixEvent
}

/**
 * Appends in the caller's transaction. The lock makes the writers of an organisation commit in the order of their ids: bigserial alone lets a
 * reader see 8 before 7 and never look back.
 */
export async function appendEvent(trx: Knex, orgId: OrgId, event: HelixEvent): Promise<void> {
  await trx.raw('select pg_advisory_xact_lock(hashtext(?))', [orgId])
  await trx('events').insert({ org_id: orgId, type: event.type, payload: JSON.stringify(wellFormedJson(event)) })
}

export async function readEvents(db: Knex, orgId: OrgId, after: number, limit: number): Promise<StoredEvent[]> {
  const rows = (await db('events').where({ org_id: orgId }).andWhere('id', '>', after).orderBy('id').limit(limit)) as {
    id: number
    payload: unknown
  }[]
  return rows.map((row) => ({ id: row.id, event: helixEvent.parse(row.payload) }))
}

export async function newestEventId(db: Knex, orgId: OrgId): Promise<number> {
  const row = (await db('events').where({ org_id: orgId }).max('id as id').first()) as { id: number | null } | undefined
  return row?.id ?? 0
}
