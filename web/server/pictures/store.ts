import type { HostId, OrgId, ProjectId, SessionId } from '@helix/contract/ids'
import type { SessionState } from '@helix/contract/sessions'
import type { Knex } from 'knex'

/** Where the machine of a session is. */
export interface PicturePlace {
  sessionId: SessionId
  epoch: number
  hostId: HostId
  /** Of the replica that holds the host’s link; null: nobody does. */
  address: string | null
}

/** A session has a machine in these. */
const withMachine: SessionState[] = ['starting', 'idle', 'running']

export class PictureStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** Of sessions of one organisation: the project of each that is there. */
  async projectsOf(orgId: OrgId, ids: readonly SessionId[]): Promise<Map<SessionId, ProjectId>> {
    const rows: { id: SessionId; project_id: ProjectId }[] = await this.db('agent_sessions')
      .where({ org_id: orgId })
      .whereIn('id', [...ids])
      .select('id', 'project_id')
    return new Map(rows.map(({ id, project_id }) => [id, project_id]))
  }

  /** Of those that have a machine. Whoever asks has seen to it that they may be seen. */
  async places(ids: readonly SessionId[]): Promise<PicturePlace[]> {
    if (ids.length === 0) return []
    const rows = await this.db('agent_sessions as s')
      .leftJoin('host_links as l', (join) => join.on('l.host_id', 's.host_id').andOn(this.db.raw('l.lease_until > now()')))
      .whereIn('s.id', [...ids])
      .whereIn('s.state', withMachine)
      .whereNotNull('s.host_id')
      .select('s.id', 's.epoch', 's.host_id', 'l.address')
    return rows.map((row) => ({ sessionId: row.id, epoch: row.epoch, hostId: row.host_id, address: row.address }))
  }
}
