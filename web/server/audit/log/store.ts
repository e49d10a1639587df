import type { AuditEntry } from '@helix/contract/audit'
import type { OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'

export interface AuditFilter {
  text?: string | undefined
  actorId?: string | undefined
  action?: string | undefined
  projectId?: string | undefined
  from?: string | undefined
  to?: string | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: a row, shaped here
const entryOf = (row: any): AuditEntry => ({
  id: row.id,
  at: row.at.toISOString(),
  actor: row.actor_id === null ? null : { id: row.actor_id, name: row.actor_name },
  actorName: row.actor_name,
  via: row.via,
  action: row.action,
  target: row.target_id === null ? null : { kind: row.target_kind ?? 'thing', id: row.target_id, name: row.target_name },
  projectId: row.project_id,
  details: row.details,
  requestId: row.request_id,
  address: row.address,
  userAgent: row.user_agent,
})

const like = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`

/** Newest first; `before` is the id of the last one seen. */
export async function readAudit(
  db: Knex,
  orgId: OrgId,
  filter: AuditFilter,
  before: string | undefined,
  limit: number,
): Promise<AuditEntry[]> {
  const rows = await db('audit_log')
    .where({ org_id: orgId })
    .modify((query) => {
      if (filter.actorId !== undefined) query.andWhere({ actor_id: filter.actorId })
      if (filter.action !== undefined) query.andWhere({ action: filter.action })
      if (filter.projectId !== undefined) query.andWhere({ project_id: filter.projectId })
      if (filter.from !== undefined) query.andWhere('at', '>=', filter.from)
      if (filter.to !== undefined) query.andWhere('at', '<', filter.to)
      if (before !== undefined) query.andWhere('id', '<', before)
      if (filter.text !== undefined) {
        const pattern = like(filter.text)
        query.andWhere((any) => {
          for (const column of ['actor_name', 'action', 'target_name', 'target_id', 'request_id', 'address'])
            any.orWhereRaw('?? ilike ?', [column, pattern])
          any.orWhereRaw('details::text ilike ?', [pattern])
          // `create team`, as the page writes `createTeam`.
          any.orWhereRaw('action ilike ?', [like(filter.text?.replace(/\s+/g, '') ?? '')])
        })
      }
    })
    .orderBy('id', 'desc')
    .limit(limit)
  return rows.map(entryOf)
}
