import type { HostId, OrgId, ProjectId, SessionId, UserId } from '@helix/contract/ids'
import type { HostReport } from '@helix/contract/link'
import type { SessionState } from '@helix/contract/sessions'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

const usual: HostReport = {
  type: 'report',
  capacity: 2,
  running: 0,
  rung: 'userns',
  innerDocker: true,
  filtered: true,
  packs: [],
  freeDiskBytes: 1,
  problem: null,
}

interface HostSet extends Partial<HostReport> {
  name?: string
  /** The organisation it is dedicated to. */
  group?: OrgId
}

/** A host that reported just now; nothing of it exists but its row. */
export async function addHostRow(db: Knex, { name = 'host', group, ...report }: HostSet = {}): Promise<HostId> {
  const id = newId('host')
  const row = { id, name, boot_id: 'boot-1', epoch: 1, last_seen_at: db.fn.now(), report: JSON.stringify({ ...usual, ...report }) }
  await db('hosts').insert({ ...row, group_org_id: group ?? null })
  return id
}

/** As its next report would do. */
export async function keepAlive(db: Knex): Promise<void> {
  await db('hosts').update({ last_seen_at: db.fn.now() })
}

export async function addProjectRow(db: Knex, orgId: OrgId, set: object = {}): Promise<ProjectId> {
  const id = newId('project')
  await db('projects').insert({
    id,
    org_id: orgId,
    name: 'Sample',
    description: '',
    agent_runtime: 'goose_code',
    planning_limit: 3,
    implementing_limit: 3,
    ...set,
  })
  return id
}

interface SessionSet {
  state?: SessionState
  hostId?: HostId
}

/** Sessions without tasks, as one statement. */
export async function addSessionRows(
  db: Knex,
  { orgId, userId, projectId }: { orgId: OrgId; userId: UserId; projectId: ProjectId },
  count: number,
  { state = 'queued', hostId }: SessionSet = {},
): Promise<SessionId[]> {
  const ids = Array.from({ length: count }, () => newId('session'))
  const shared = { org_id: orgId, project_id: projectId, agent_runtime: 'goose_code', demo: true, started_by: userId, state }
  const home = hostId === undefined ? {} : { host_id: hostId, host_boot_id: 'boot-1', epoch: 1 }
  await db('agent_sessions').insert(ids.map((id) => ({ id, ...shared, ...home })))
  return ids
}

/** Hosts that hold or promise more than they have, each as a sentence. */
export async function overCommitted(db: Knex): Promise<string[]> {
  const { rows } = (await db.raw(`
    select h.name, p.taken, p.memory_mb, (h.report->>'capacity')::int as places, (h.report->>'roomBytes')::float / 1048576 as room from hosts h join (
      select host_id, count(distinct id)::int as taken, sum(memory_mb)::int as memory_mb from (
        select id, host_id, coalesce(memory_mb, 4096) as memory_mb from agent_sessions where state in ('starting', 'idle', 'running')
        union all select session_id, host_id, memory_mb from session_places) as held where host_id is not null group by host_id
    ) p on p.host_id = h.id`)) as { rows: { name: string; taken: number; memory_mb: number; places: number; room: number | null }[] }
  return rows.flatMap(({ name, taken, memory_mb, places, room }) => [
    ...(taken > places ? [`${name} holds ${taken} of ${places} places`] : []),
    ...(room !== null && memory_mb > room ? [`${name} holds ${memory_mb} of ${room} MiB`] : []),
  ])
}
