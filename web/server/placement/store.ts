import type { EgressMode } from '@helix/contract/egress'
import type { HostLabels } from '@helix/contract/host-labels'
import type { HostId, OrgId, ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import type { Rung } from '@helix/contract/isolation'
import type { HostReport } from '@helix/contract/link'
import { type MachineSize, type Size, sizeOf } from '@helix/contract/machine'
import type { SessionState } from '@helix/contract/sessions'
import type { Knex } from 'knex'
import { eventsChannel } from '../events/store.ts'
import { lostAfter, silentAfter } from '../hosts/store.ts'
import type { Admission, HostState, Needs, Share, Waiting } from './model.ts'

/** States in which a session has a place on its host. */
export const holding: readonly SessionState[] = ['starting', 'idle', 'running']
/** Units: seconds. Who waits asks each 10 s, and after an hour each minute. */
const waitsFor = 150
export const reservedFor = 60
/** Units: MiB. Of sessions that were started before it was kept. */
const usualMb = 4096

export interface PlaceRow {
  session_id: SessionId
  host_id: HostId | null
  position: number | null
  reason: string | null
  /** Units: seconds since its position was found. */
  decided_ago: number | null
}

export interface NeedsRow {
  org_id: OrgId
  project_id: ProjectId
  agent_runtime: string
  size: Size
  custom_size: MachineSize | null
  minimum_rung: Rung | null
  egress_mode: EgressMode
  image: string | null
  host_labels: HostLabels
}

export interface HostPlaceRow {
  id: HostId
  name: string
  report: HostReport | null
  labels: HostLabels
  group_org_id: OrgId | null
  weight: number
  admission: Admission
  silent_for: number
}

interface HeldRow {
  host_id: HostId
  org_id: OrgId
  taken: number
  memory_mb: number
  idle: number
}

/** What a session of the project asks of a host. */
export const needsOf = (row: NeedsRow, home: HostId | null): Needs => ({
  memoryMb: sizeOf(row.size, row.custom_size).memoryMb,
  labels: row.host_labels,
  minimumRung: row.minimum_rung,
  filtered: row.egress_mode !== 'open',
  image: row.image,
  runtime: row.agent_runtime,
  home,
})

const megabytes = (bytes: number | undefined): number | null => (bytes === undefined ? null : Math.floor(bytes / 1024 ** 2))

const silence = 'coalesce(extract(epoch from clock_timestamp() - last_seen_at), 1e9)::float'
/** What a session says of its machine goes before what its project says. */
const needed = (db: Knex) => [
  ...['p.minimum_rung', 'p.egress_mode', 'p.image'],
  db.raw('coalesce(s.size, p.size) as size'),
  db.raw('case when s.size is null then p.custom_size else s.custom_size end as custom_size'),
  db.raw('coalesce(s.host_labels, p.host_labels) as host_labels'),
  db.raw('s.size is not null or s.host_labels is not null as own'),
]

export class PlacementStore {
  private readonly db: Knex

  /** With a transaction: under `lock`, unless a method says otherwise. */
  constructor(db: Knex) {
    this.db = db
  }

  /** One decides at a time, in all processes: what is read after it holds until the end of the transaction. */
  async lock(): Promise<void> {
    const row = await this.db('installation').where({ key: 'placement' }).forUpdate().first('key')
    if (row !== undefined) return
    await this.db('installation').insert({ key: 'placement', value: '{}' }).onConflict('key').ignore()
    await this.db('installation').where({ key: 'placement' }).forUpdate().first('key')
  }

  /** Without the lock. */
  async find(id: SessionId): Promise<PlaceRow | null> {
    const ago = this.db.raw('extract(epoch from clock_timestamp() - decided_at)::float as decided_ago')
    return (await this.db('session_places').where({ session_id: id }).first('session_id', 'host_id', 'position', 'reason', ago)) ?? null
  }

  /** Without the lock: it asks again, and waits or has its reservation for longer. False: meanwhile it has neither. */
  async asksAgain(id: SessionId, host: HostId | null): Promise<boolean> {
    const until = host === null ? null : this.db.raw('clock_timestamp() + make_interval(secs => ?)', [reservedFor])
    const row = this.db('session_places').where({ session_id: id, host_id: host })
    return (await row.update({ seen_at: this.db.raw('clock_timestamp()'), reserved_until: until })) === 1
  }

  /** Without the lock. Who comes back after a while waits from now on. */
  async join(id: SessionId, orgId: OrgId): Promise<void> {
    await this.db.raw(
      `insert into session_places (session_id, org_id) values (?, ?) on conflict (session_id) do update set seen_at = clock_timestamp(),
         asked_at = case when session_places.seen_at < clock_timestamp() - interval '5 minutes' then clock_timestamp() else session_places.asked_at end`,
      [id, orgId],
    )
  }

  /** Sessions that never asked before. */
  async joinAll(newcomers: readonly { id: SessionId; orgId: OrgId }[]): Promise<void> {
    const rows = newcomers.map(({ id, orgId }) => ({ session_id: id, org_id: orgId }))
    await this.db('session_places').insert(rows).onConflict('session_id').ignore()
  }

  /** Without the lock. */
  async anyWaiting(): Promise<boolean> {
    return (await this.waitingRows().first('w.session_id')) !== undefined
  }

  private waitingRows() {
    return this.db('session_places as w')
      .join('agent_sessions as s', 's.id', 'w.session_id')
      .join('projects as p', 'p.id', 's.project_id')
      .whereNull('w.host_id')
      .whereRaw('w.seen_at > clock_timestamp() - make_interval(secs => ?)', [waitsFor])
      .whereNot('s.state', 'stopped')
      .whereNull('p.deleted_at')
  }

  /** Reservations that lapsed, and those on hosts that take nothing new. Their sessions wait again while they ask. */
  async endReservations(): Promise<void> {
    await this.db.raw(
      `update session_places w set host_id = null, memory_mb = null, reserved_until = null, decided_at = null
       from agent_sessions s, hosts h where s.id = w.session_id and h.id = w.host_id and (
         w.reserved_until < clock_timestamp() or h.admission = 'draining' or h.report->>'problem' is not null or ${silence} >= ?
         or (h.admission = 'cordoned' and s.host_id is distinct from h.id))`,
      [silentAfter],
    )
  }

  /** Hosts and what was promised of them, by one statement: a session that starts turns its reservation into its place. */
  async state(): Promise<{ hosts: HostState[]; shares: Map<OrgId, Share>; rows: ReadonlyMap<HostId, HostPlaceRow> }> {
    const { rows } = (await this.db.raw(
      `with promised as (
         select host_id, org_id, coalesce(memory_mb, ${usualMb}) as memory_mb, state = 'idle' as idle from agent_sessions
         where host_id is not null and state in (${holding.map((state) => `'${state}'`).join(', ')})
         union all
         select host_id, org_id, coalesce(memory_mb, ${usualMb}), false from session_places where host_id is not null
       ), held as (
         select host_id, org_id, count(*) as taken, sum(memory_mb) as memory_mb, count(*) filter (where idle) as idle from promised group by 1, 2
       ), host as (
         select id, name, report, labels, group_org_id, weight, admission, ${silence} as silent_for from hosts
       ) select (select coalesce(jsonb_agg(host), '[]') from host) as hosts, (select coalesce(jsonb_agg(held), '[]') from held) as held,
         (select coalesce(jsonb_object_agg(id, placement_weight), '{}') from organisations where placement_weight <> 1) as weights`,
    )) as { rows: [{ hosts: HostPlaceRow[]; held: HeldRow[]; weights: Record<OrgId, number> }] }
    const [{ hosts, held, weights }] = rows
    const byHost = Map.groupBy(held, ({ host_id }) => host_id)
    const shares = new Map(Object.entries(weights).map(([id, weight]): [OrgId, Share] => [id as OrgId, { held: 0, weight }]))
    for (const { org_id, taken } of held) {
      const { held: before, weight } = shares.get(org_id) ?? { held: 0, weight: 1 }
      shares.set(org_id, { held: before + taken, weight })
    }
    const byId = new Map(hosts.map((row) => [row.id, row]))
    return { hosts: hosts.map((row) => stateOf(row, byHost.get(row.id) ?? [])), shares, rows: byId }
  }

  /** `homes`: the hosts' rows, as `state` found them. */
  async waiting(homes: ReadonlyMap<HostId, HostPlaceRow>): Promise<Waiting[]> {
    const columns = ['w.session_id', 'w.org_id', 'w.asked_at', 's.project_id', 's.host_id', 's.agent_runtime']
    type Row = NeedsRow & { session_id: SessionId; asked_at: Date; host_id: HostId | null; own: boolean }
    const rows = (await this.waitingRows().select(...columns, ...needed(this.db))) as Row[]
    // Sessions that ask the same have the same object.
    const same = new Map<string, Needs>()
    return rows.map((row) => {
      const home = homeOf(row.host_id === null ? undefined : homes.get(row.host_id), row.org_id)
      const key = `${row.own ? row.session_id : row.project_id} ${row.agent_runtime} ${home}`
      const needs = same.get(key) ?? needsOf(row, home)
      same.set(key, needs)
      return { id: row.session_id, orgId: row.org_id, askedAt: row.asked_at.getTime(), needs }
    })
  }

  async needs(id: SessionId): Promise<NeedsRow | null> {
    const rows = this.db('agent_sessions as s').join('projects as p', 'p.id', 's.project_id').where({ 's.id': id })
    return (await rows.first('s.org_id', 's.project_id', 's.agent_runtime', ...needed(this.db))) ?? null
  }

  /** Whoever holds the links of their hosts hears of it with the commit. */
  async reserve(placed: readonly { id: SessionId; hostId: HostId; memoryMb: number }[]): Promise<void> {
    await this.db.raw(
      `with reserved as (
         update session_places w set host_id = v.host_id, memory_mb = v.memory_mb, position = null, reason = null, decided_at = clock_timestamp(),
           reserved_until = clock_timestamp() + make_interval(secs => ?)
         from jsonb_to_recordset(?::jsonb) as v (id text, host_id text, memory_mb int) where w.session_id = v.id returning w.host_id
       ) select pg_notify('${eventsChannel}', host_id || ' 0') from (select distinct host_id from reserved) as hosts`,
      [reservedFor, JSON.stringify(placed.map(({ id, hostId, memoryMb }) => ({ id, host_id: hostId, memory_mb: memoryMb })))],
    )
  }

  /** Without the lock: sessions that have their place on the host and were not begun there. */
  async reservedOn(hostId: HostId): Promise<{ sessionId: SessionId; epoch: number }[]> {
    const rows = this.db('session_places as w').join('agent_sessions as s', 's.id', 'w.session_id').where({ 'w.host_id': hostId })
    return rows.whereNot('s.state', 'stopped').select('s.id as sessionId', 's.epoch')
  }

  async tellPositions(left: readonly { id: SessionId; position: number | null; reason: string }[]): Promise<void> {
    await this.db.raw(
      `update session_places w set position = v.position, reason = v.reason, decided_at = clock_timestamp()
       from jsonb_to_recordset(?::jsonb) as v (id text, position int, reason text) where w.session_id = v.id`,
      [JSON.stringify(left)],
    )
  }

  /** Without the lock: the session turns its reservation into its place. Null: it has none on this host. */
  async use(id: SessionId, hostId: HostId): Promise<{ memoryMb: number } | null> {
    const [row] = await this.db('session_places').where({ session_id: id, host_id: hostId }).delete('memory_mb')
    return row === undefined ? null : { memoryMb: row.memory_mb ?? usualMb }
  }

  /** It waits for nothing and has no reservation any more. */
  async leave(id: SessionId): Promise<void> {
    await this.db('session_places').where({ session_id: id }).delete()
  }

  async ofTasks(ids: readonly SessionId[]): Promise<{ id: SessionId; org_id: OrgId; task_id: TaskId | null }[]> {
    return this.db('agent_sessions').whereIn('id', ids).select('id', 'org_id', 'task_id')
  }
}

function stateOf(row: HostPlaceRow, held: readonly HeldRow[]): HostState {
  const { report } = row
  const sum = (value: (one: HeldRow) => number): number => held.reduce((all, one) => all + value(one), 0)
  return {
    id: row.id,
    name: row.name,
    places: report?.capacity ?? 0,
    taken: sum(({ taken }) => taken),
    roomMb: megabytes(report?.roomBytes),
    largestMb: megabytes(report?.memoryBytes),
    takenMb: sum(({ memory_mb }) => memory_mb),
    idle: sum(({ idle }) => idle),
    weight: row.weight,
    labels: { ...report?.labels, ...row.labels },
    group: row.group_org_id,
    rung: report?.rung ?? 'unknown',
    filtered: report?.filtered ?? false,
    images: new Set(report?.images ?? []),
    packs: new Set(report?.packs.map(({ runtime }) => runtime) ?? []),
    load: report?.load ?? 0,
    silent: row.silent_for >= silentAfter,
    problem: report?.problem ?? null,
    admission: row.admission,
  }
}

/** The host that a session comes back to: its machine is kept there, and the host stays. */
function homeOf(home: HostPlaceRow | undefined, orgId: OrgId): HostId | null {
  if (home === undefined || home.silent_for >= lostAfter || home.admission === 'draining') return null
  return home.group_org_id === null || home.group_org_id === orgId ? home.id : null
}
