import { plainDesktop } from '@helix/contract/desktop'
import type { HostId, ProjectId, SessionId } from '@helix/contract/ids'
import type { SessionState } from '@helix/contract/sessions'
import type { Knex } from 'knex'

/** Units: seconds. The holder renews it by each look at its host; afterwards nobody counts on it. */
export const leaseSeconds = 40

/** What is needed to know of a session before it is dialled. */
export interface Whereabouts {
  sessionId: SessionId
  projectId: ProjectId
  state: SessionState
  reason: string | null
  epoch: number
  hostId: HostId | null
  hostName: string | null
  /** A host has its place for it: it is about to start. */
  coming: boolean
  /** Units: seconds, by the database's clock. */
  silentFor: number
  /** Its project has desktops. */
  desktops: boolean
  /** Of the replica that holds the host's link; null: nobody does. */
  address: string | null
}

export class HostLinkStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** False: a newer connection of the host is held by somebody. */
  async hold(hostId: HostId, epoch: number, address: string): Promise<boolean> {
    const result = (await this.db.raw(
      `insert into host_links (host_id, epoch, address, lease_until) values (?, ?, ?, now() + make_interval(secs => ?))
       on conflict (host_id) do update set epoch = excluded.epoch, address = excluded.address, lease_until = excluded.lease_until
       where host_links.epoch <= excluded.epoch
       returning epoch`,
      [hostId, epoch, address, leaseSeconds],
    )) as { rows: unknown[] }
    return result.rows.length === 1
  }

  async release(hostId: HostId, epoch: number): Promise<void> {
    await this.db('host_links').where({ host_id: hostId, epoch }).delete()
  }

  async holderOf(hostId: string): Promise<string | null> {
    const row = await this.db('host_links').where({ host_id: hostId }).andWhereRaw('lease_until > now()').first('address')
    return row?.address ?? null
  }

  async find(sessionId: SessionId): Promise<Whereabouts | null> {
    const row = await this.db('agent_sessions as s')
      .leftJoin('hosts as h', 'h.id', 's.host_id')
      .leftJoin('host_links as l', (join) => join.on('l.host_id', 's.host_id').andOn(this.db.raw('l.lease_until > now()')))
      .leftJoin('session_places as w', 'w.session_id', 's.id')
      .leftJoin('projects as p', 'p.id', 's.project_id')
      .where({ 's.id': sessionId })
      .first(
        's.project_id',
        's.state',
        's.reason',
        's.epoch',
        's.host_id',
        'h.name',
        'l.address',
        'w.host_id as reserved_on',
        'p.desktop',
        this.db.raw('coalesce(extract(epoch from now() - h.last_seen_at), 1e9)::float as silent_for'),
      )
    if (row === undefined) return null
    return {
      sessionId,
      projectId: row.project_id,
      state: row.state,
      reason: row.reason,
      epoch: row.epoch,
      hostId: row.host_id,
      hostName: row.name,
      coming: row.reserved_on !== null,
      silentFor: row.silent_for,
      desktops: (row.desktop ?? plainDesktop).enabled,
      address: row.address,
    }
  }
}
