import { type HelixEvent, helixEvent } from '@helix/contract/events'
import type { OrgId } from '@helix/contract/ids'
import { wellFormedJson } from '@helix/contract/text'
import type { Knex } from 'knex'

/** Where the log of an organisation grew, told to every process that listens; PostgreSQL delivers it at the commit. */
export const eventsChannel = 'helix_events'

export interface LogEntry {
  id: number
  /** Null: of a newer version, not known here. */
  event: HelixEvent | null
  /** As a stream sends it; made once for all who get it. */
  text: string
}

/**
 * Appends in the caller's transaction. The lock makes the writers of an organisation commit in the order of their ids: bigserial alone lets a
 * reader see 8 before 7 and never look back.
 */
export async function appendEvent(trx: Knex, orgId: OrgId, event: HelixEvent): Promise<void> {
  // The row, and with it its id, is made when the lock's is there.
  await trx.raw(
    `with locked as materialized (select pg_advisory_xact_lock(hashtext(?))),
       appended as (insert into events (org_id, type, payload) select ?, ?, ?::jsonb from locked returning id)
     select pg_notify('${eventsChannel}', ? || ' ' || id) from appended`,
    [orgId, orgId, event.type, JSON.stringify(wellFormedJson(event)), orgId],
  )
}

function toEntry({ id, payload }: { id: number; payload: unknown }): LogEntry {
  const event = helixEvent.safeParse(payload).data ?? null
  return { id, event, text: event === null ? '' : `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n` }
}

/** In the order of the log; `upTo`: not beyond this number. */
export async function readEvents(db: Knex, orgId: OrgId, after: number, limit: number, upTo?: number): Promise<LogEntry[]> {
  const query = db('events').where({ org_id: orgId }).andWhere('id', '>', after).orderBy('id').limit(limit)
  if (upTo !== undefined) query.andWhere('id', '<=', upTo)
  return ((await query.select('id', 'payload')) as { id: number; payload: unknown }[]).map(toEntry)
}

/** The newest entries, in the order of the log. */
export async function readNewest(db: Knex, orgId: OrgId, limit: number): Promise<LogEntry[]> {
  const rows = await db('events').where({ org_id: orgId }).orderBy('id', 'desc').limit(limit).select('id', 'payload')
  return rows.toReversed().map(toEntry)
}

export async function newestEventId(db: Knex, orgId: OrgId): Promise<number> {
  const row = (await db('events').where({ org_id: orgId }).max('id as id').first()) as { id: number | null } | undefined
  return row?.id ?? 0
}
