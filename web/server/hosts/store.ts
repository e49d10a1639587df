import { oldestHostProtocol } from '@helix/contract/enrolment'
import type { HostLabels } from '@helix/contract/host-labels'
import type { HostId, OrgId } from '@helix/contract/ids'
import type { HostHello, HostReport } from '@helix/contract/link'
import type { Host } from '@helix/contract/system'
import type { Knex } from 'knex'
import { credentialColumn } from './credentials/store.ts'

/** Units: seconds. Silent for longer: nothing new goes there; its sessions are placed elsewhere. */
export const silentAfter = 30
export const lostAfter = 90

export interface HostRow {
  id: HostId
  name: string
  boot_id: string | null
  epoch: number
  report: HostReport | null
  version: string | null
  /** What it speaks; null: it has not said. */
  protocol: number | null
  labels: HostLabels
  /** The organisation it is dedicated to. */
  group_org_id: OrgId | null
  weight: number
  admission: 'open' | 'cordoned' | 'draining'
  /** Sessions that were there when its drain began. */
  drain_total: number | null
  last_seen_at: Date | null
  /** Units: seconds, by the database's clock. */
  silent_for: number
  credential: Host['credential']
}

export class HostStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  private rows(db: Knex) {
    const silent = db.raw('coalesce(extract(epoch from now() - last_seen_at), 1e9)::float as silent_for')
    return db('hosts').select('*', silent, credentialColumn(db, 'hosts'))
  }

  async find(id: HostId, db: Knex = this.db): Promise<HostRow | null> {
    return (await this.rows(db).where({ id }).first()) ?? null
  }

  /** Those that the organisation may use; without one, all. */
  async list(orgId?: OrgId): Promise<Host[]> {
    const rows = (await this.rows(this.db)
      .modify((query) => {
        if (orgId !== undefined) query.whereNull('group_org_id').orWhere({ group_org_id: orgId })
      })
      .orderBy('name')) as HostRow[]
    const counts = await this.db('agent_sessions')
      .whereIn('state', ['starting', 'idle', 'running'])
      .whereNotNull('host_id')
      .groupBy('host_id')
      .select('host_id')
      .count('* as count')
    return rows.map((row) => hostOf(row, Number(counts.find((count) => count.host_id === row.id)?.count ?? 0)))
  }

  /** What projects have their sessions started from; `closed`: of these, what no project has without signing in to the registry. */
  async imagesWanted(): Promise<{ images: string[]; closedImages: string[] }> {
    const rows = await this.db('projects')
      .whereNull('deleted_at')
      .whereNotNull('image')
      .groupBy('image')
      .orderBy('image')
      .select('image', this.db.raw('bool_and(image_login is not null) as closed'))
    return { images: rows.map(({ image }) => image), closedImages: rows.filter(({ closed }) => closed).map(({ image }) => image) }
  }

  async online(): Promise<number> {
    const rows = this.db('hosts').whereRaw("last_seen_at > now() - make_interval(secs => ?) and report->>'problem' is null", [silentAfter])
    return Number((await rows.count('* as count').first())?.count ?? 0)
  }

  /** A connection of a host; its number is higher than that of every earlier one. */
  async connect(hello: Pick<HostHello, 'hostId' | 'name' | 'bootId' | 'version' | 'protocol'>): Promise<number> {
    const { name, bootId: boot_id, version, protocol = oldestHostProtocol } = hello
    const given = { name, boot_id, version, protocol, last_seen_at: this.db.fn.now() }
    const [row] = await this.db('hosts')
      .insert({ id: hello.hostId, epoch: 1, ...given })
      .onConflict('id')
      .merge({ epoch: this.db.raw('hosts.epoch + 1'), ...given })
      .returning('epoch')
    return row.epoch
  }

  async report(id: HostId, report: HostReport): Promise<void> {
    await this.db('hosts')
      .where({ id })
      .update({ report: JSON.stringify(report), last_seen_at: this.db.fn.now() })
  }

  async seen(id: HostId): Promise<void> {
    await this.db('hosts').where({ id }).update({ last_seen_at: this.db.fn.now() })
  }
}

/** As people see it; `sessions` have a place there. */
export function hostOf(row: HostRow, sessions: number): Host {
  return {
    id: row.id,
    name: row.name,
    online: row.silent_for < silentAfter,
    lastSeenAt: row.last_seen_at?.toISOString() ?? null,
    sessions,
    capacity: row.report?.capacity ?? 0,
    rung: row.report?.rung ?? 'unknown',
    innerDocker: row.report?.innerDocker ?? false,
    strongerRungs: row.report?.strongerRungs ?? null,
    filtered: row.report?.filtered ?? false,
    problem: row.report?.problem ?? null,
    checks: row.report?.checks ?? [],
    credential: row.credential,
  }
}
