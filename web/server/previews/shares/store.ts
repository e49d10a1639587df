import type { OrgId, SessionId, UserId } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { roleOnProject } from '../../access/store.ts'

/** Ports of sessions that are shown to everybody who has the address, and who may see the others. */
export const shareStore = {
  async set(db: Knex, orgId: OrgId, sessionId: SessionId, port: number, userId: UserId, shared: boolean): Promise<void> {
    if (!shared) await db('preview_shares').where({ session_id: sessionId, port }).delete()
    else
      await db('preview_shares')
        .insert({ session_id: sessionId, port, org_id: orgId, shared_by: userId })
        .onConflict(['session_id', 'port'])
        .ignore()
  },

  async ofSession(db: Knex, sessionId: SessionId): Promise<Set<number>> {
    const rows = await db('preview_shares').where({ session_id: sessionId }).select('port')
    return new Set(rows.map((row) => row.port))
  },

  /** A session that stopped shows nothing any more. */
  async isShared(db: Knex, sessionId: SessionId, port: number): Promise<boolean> {
    const row = await db('preview_shares as p')
      .join('agent_sessions as s', 's.id', 'p.session_id')
      .where({ 'p.session_id': sessionId, 'p.port': port })
      .whereNot('s.state', 'stopped')
      .first('p.port')
    return row !== undefined
  },

  /** The person's role where the session is; null: none, or there is no such session. */
  async roleOf(db: Knex, orgId: OrgId, userId: UserId, sessionId: SessionId): Promise<Role | null> {
    const row = await db('agent_sessions as s')
      .join('memberships as m', 'm.org_id', 's.org_id')
      .where({ 's.id': sessionId, 's.org_id': orgId, 'm.user_id': userId })
      .whereNull('m.deactivated_at')
      .first('s.project_id', 'm.role')
    if (row === undefined) return null
    return roleOnProject(db, { orgId, userId, orgRole: row.role }, row.project_id)
  },
}
