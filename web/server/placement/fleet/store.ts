import type { BodyOf, ResponseOf } from '@helix/contract/endpoint'
import type { FleetHost, getFleet, updateHost } from '@helix/contract/fleet'
import type { HostId, OrgId, ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import type { SessionState } from '@helix/contract/sessions'
import type { Knex } from 'knex'
import { credentialColumn } from '../../hosts/credentials/store.ts'
import { type HostRow, hostOf } from '../../hosts/store.ts'
import { holding, PlacementStore } from '../store.ts'

type Fleet = ResponseOf<typeof getFleet>

/** Who looks: all that the installation has, or what one organisation may use. Ids are shown of visible projects of the own organisation only. */
export interface Viewer {
  orgId: OrgId
  /** Null: all of the organisation. */
  visible: ReadonlySet<ProjectId> | null
  all: boolean
}

interface ThereRow {
  id: SessionId
  org_id: OrgId
  project_id: ProjectId
  task_id: TaskId | null
  title: string | null
  state: SessionState
  host_id: HostId
  memory_mb: number | null
}

interface WaitRow {
  session_id: SessionId
  org_id: OrgId
  project_id: ProjectId
  task_id: TaskId | null
  title: string | null
  position: number | null
  reason: string | null
  asked_at: Date
}

type FleetRow = HostRow & { org_name: string | null; enrolled_at: Date | null; enrol_until: Date | null; rotation_asked_at: Date | null }

const sees = ({ orgId, visible }: Viewer, row: { org_id: OrgId; project_id: ProjectId }): boolean =>
  row.org_id === orgId && (visible === null || visible.has(row.project_id))

const megabytes = (bytes: number | undefined): number | null => (bytes === undefined ? null : Math.floor(bytes / 1024 ** 2))

const titleColumn = (db: Knex): Knex.Raw => db.raw('coalesce(t.title, s.title) as title')

/** What there is and who has it, for people. */
export class FleetStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  private async hostRows(viewer: Viewer, id?: HostId): Promise<FleetRow[]> {
    return this.db('hosts as h')
      .leftJoin('organisations as o', 'o.id', 'h.group_org_id')
      .modify((query) => {
        if (!viewer.all) query.andWhere((may) => may.whereNull('h.group_org_id').orWhere('h.group_org_id', viewer.orgId))
        if (id !== undefined) query.andWhere('h.id', id)
      })
      .orderBy(['h.name', 'h.id'])
      .select(
        'h.*',
        'o.name as org_name',
        credentialColumn(this.db, 'h'),
        this.db.raw(
          '(select max(c.created_at) from host_credentials c where c.host_id = h.id and c.revoked_at is null and c.expires_at is null) as enrolled_at',
        ),
        this.db.raw('coalesce(extract(epoch from now() - h.last_seen_at), 1e9)::float as silent_for'),
      )
  }

  async hosts(viewer: Viewer, id?: HostId): Promise<FleetHost[]> {
    const rows = await this.hostRows(viewer, id)
    const ids = rows.map((row) => row.id)
    const there: ThereRow[] = await this.db('agent_sessions as s')
      .leftJoin('spec_tasks as t', 't.id', 's.task_id')
      .whereIn('s.host_id', ids)
      .whereNot('s.state', 'stopped')
      .orderBy('s.id')
      .select('s.id', 's.org_id', 's.project_id', 's.task_id', 's.state', 's.host_id', 's.memory_mb', titleColumn(this.db))
    const reserved: { host_id: HostId; count: number; memory_mb: number | null }[] = await this.db('session_places')
      .whereIn('host_id', ids)
      .groupBy('host_id')
      .select('host_id')
      .count('* as count')
      .sum('memory_mb as memory_mb')
    return rows.map((row) =>
      fleetHostOf(
        row,
        there.filter(({ host_id }) => host_id === row.id),
        reserved.find(({ host_id }) => host_id === row.id),
        viewer,
      ),
    )
  }

  async queue(viewer: Viewer): Promise<Fleet['queue']> {
    const placement = new PlacementStore(this.db)
    const waiting = await placement.waiting((await placement.state()).rows)
    const rows: WaitRow[] = await this.db('session_places as w')
      .join('agent_sessions as s', 's.id', 'w.session_id')
      .leftJoin('spec_tasks as t', 't.id', 's.task_id')
      .whereIn(
        'w.session_id',
        waiting.map(({ id }) => id),
      )
      .modify((query) => {
        if (!viewer.all) query.andWhere('w.org_id', viewer.orgId)
      })
      .orderByRaw('w.position nulls last, w.asked_at')
      .select('w.session_id', 'w.org_id', 's.project_id', 's.task_id', 'w.position', 'w.reason', 'w.asked_at', titleColumn(this.db))
    return rows.map((row) => {
      const shown = sees(viewer, row)
      return {
        id: shown ? row.session_id : null,
        taskId: shown ? row.task_id : null,
        title: shown ? row.title : null,
        position: row.position,
        reason: row.org_id === viewer.orgId || viewer.all ? row.reason : null,
        since: row.asked_at.toISOString(),
      }
    })
  }

  async shares(viewer: Viewer): Promise<Fleet['shares']> {
    const placement = new PlacementStore(this.db)
    const { shares, rows } = await placement.state()
    const waiting = Map.groupBy(await placement.waiting(rows), ({ orgId }) => orgId)
    const organisations: { id: OrgId; name: string; placement_weight: number }[] = await this.db('organisations')
      .modify((query) => {
        if (!viewer.all) query.where({ id: viewer.orgId })
      })
      .orderBy('name')
      .select('id', 'name', 'placement_weight')
    return organisations.map(({ id, name, placement_weight: weight }) => ({
      organisation: { id, name },
      weight,
      held: shares.get(id)?.held ?? 0,
      waiting: waiting.get(id)?.length ?? 0,
    }))
  }

  /** Answers the organisation's name; null: there is none. */
  async setShare(id: OrgId, weight: number): Promise<string | null> {
    const [row] = await this.db('organisations').where({ id }).update({ placement_weight: weight }, ['name'])
    return row?.name ?? null
  }

  /** False: there is no such host. */
  async update(id: HostId, change: BodyOf<typeof updateHost>): Promise<boolean> {
    const columns = {
      labels: change.labels && JSON.stringify(change.labels),
      group_org_id: change.organisationId,
      weight: change.weight,
      id,
    }
    const given = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined))
    return (await this.db('hosts').where({ id }).update(given)) === 1
  }

  async organisationExists(id: OrgId): Promise<boolean> {
    return (await this.db('organisations').where({ id }).first('id')) !== undefined
  }

  async setAdmission(id: HostId, admission: 'open' | 'cordoned'): Promise<boolean> {
    return (await this.db('hosts').where({ id }).update({ admission, drain_total: null })) === 1
  }

  /** Under the lock of placement. Its sessions have no host any more: those that had a place go on where they are placed next. */
  async remove(id: HostId): Promise<{ orgs: OrgId[] }> {
    const orgs = await this.db('agent_sessions').where({ host_id: id }).distinct('org_id')
    const rows = this.db('agent_sessions').where({ host_id: id })
    await rows
      .clone()
      .whereIn('state', [...holding])
      .update({ state: 'lost', reason: 'Its host was removed' })
    await rows.update({ host_id: null, host_boot_id: null })
    await this.db('session_places').where({ host_id: id }).update({ host_id: null, memory_mb: null, reserved_until: null })
    await this.db('hosts').where({ id }).delete()
    return { orgs: orgs.map(({ org_id }) => org_id) }
  }

  /** Whose pages show the host. */
  async audience(id: HostId, home: OrgId | null): Promise<OrgId[]> {
    const host = await this.db('hosts').where({ id }).first('group_org_id')
    const group = host?.group_org_id ?? null
    if (group !== null) return [...new Set([group, ...(home === null ? [] : [home])])].toSorted()
    return (await this.db('organisations').orderBy('id').select('id')).map((row) => row.id)
  }
}

function fleetHostOf(
  row: FleetRow,
  there: readonly ThereRow[],
  reserved: { count: number; memory_mb: number | null } | undefined,
  viewer: Viewer,
): FleetHost {
  const { report } = row
  const held = there.filter(({ state }) => holding.includes(state))
  return {
    ...hostOf(row, held.length),
    version: row.version,
    protocol: row.protocol,
    admission: row.admission,
    labels: { ...report?.labels, ...row.labels },
    ownLabels: row.labels,
    organisation: row.group_org_id === null ? null : { id: row.group_org_id, name: row.org_name ?? '' },
    weight: row.weight,
    load: report?.load ?? null,
    freeDiskBytes: report?.freeDiskBytes ?? null,
    pressure: report?.pressure ?? null,
    pressureEvents: report?.pressureEvents ?? [],
    descriptors: report?.descriptors ?? null,
    packs: report?.packs ?? [],
    images: report?.images ?? [],
    memory: {
      totalMb: megabytes(report?.memoryBytes),
      roomMb: megabytes(report?.roomBytes),
      givenMb: held.reduce((sum, { memory_mb }) => sum + (memory_mb ?? 0), Number(reserved?.memory_mb ?? 0)),
    },
    reserved: Number(reserved?.count ?? 0),
    sessionsThere: there.map((session) => {
      const shown = sees(viewer, session)
      const { id, task_id: taskId, title, state, memory_mb } = session
      const named = shown ? { id, taskId, title } : { id: null, taskId: null, title: null }
      return { ...named, state, memoryMb: holding.includes(state) ? memory_mb : null }
    }),
    drain: row.admission === 'draining' ? { total: Math.max(row.drain_total ?? 0, held.length), left: held.length } : null,
    access: viewer.all ? accessOf(row) : null,
  }
}

const accessOf = (row: FleetRow): NonNullable<FleetHost['access']> => ({
  since: row.enrolled_at?.toISOString() ?? null,
  rotationAsked: row.rotation_asked_at !== null,
  enrolUntil: row.enrol_until !== null && row.enrol_until > new Date() ? row.enrol_until.toISOString() : null,
})
