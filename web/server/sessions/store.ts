import type { QueryOf, ResponseOf } from '@helix/contract/endpoint'
import type { HostLabels } from '@helix/contract/host-labels'
import type { fetchPrompt } from '@helix/contract/hosts'
import type { HostId, OrgId, ProjectId, PromptId, SessionId, TaskId } from '@helix/contract/ids'
import { type MachineSize, type Size, sizeOf } from '@helix/contract/machine'
import type { listSessions } from '@helix/contract/session-life'
import type { JournalEntry, Session, SessionState } from '@helix/contract/sessions'
import { wellFormedJson } from '@helix/contract/text'
import type { Knex } from 'knex'
import { checkpointStore } from '../checkpoints/store.ts'
import { followRequests, voidRequests } from '../conversation/requests.ts'
import { appendEvent } from '../events/store.ts'
import { settleQuestions } from '../reviews/questions.ts'

export interface SessionRow {
  id: SessionId
  org_id: OrgId
  project_id: ProjectId
  task_id: TaskId | null
  state: SessionState
  reason: string | null
  agent_runtime: Session['agentRuntime']
  demo: boolean
  host_id: HostId | null
  host_boot_id: string | null
  epoch: number
  started_by: string
  journal_upto: number
  started_at: Date | null
  /** The first start of this life; null while it has not started. */
  life_started_at: Date | null
  title: string | null
  /** A person used its machine. */
  used_at: Date | null
  /** The session and checkpoint that it began with. */
  forked_from: SessionId | null
  forked_from_n: number | null
  /** The newest checkpoint of earlier lives. */
  kept_before: number
  created_at: Date
  /** Its machine; null: as its project says. */
  size: Size | null
  custom_size: MachineSize | null
  host_labels: HostLabels | null
  /** What its host promised it; null: it has no place, or was started before this was kept. Units: MiB. */
  memory_mb: number | null
}

interface ProjectSizeRow {
  project_size: Size
  project_custom_size: MachineSize | null
}

/** One that was just made: it is on no host. */
export const newSession = (row: SessionRow & ProjectSizeRow): Session => sessionOf({ ...row, host_name: '' })

function machineOf({ size, custom_size, project_size, project_custom_size }: SessionRow & ProjectSizeRow): Session['machine'] {
  return size === null ? { size: project_size, ...sizeOf(project_size, project_custom_size) } : { size, ...sizeOf(size, custom_size) }
}

const sessionOf = (row: SessionRow & ProjectSizeRow & { host_name: string }): Session => ({
  id: row.id,
  projectId: row.project_id,
  taskId: row.task_id,
  title: row.title,
  state: row.state,
  reason: row.reason,
  agentRuntime: row.agent_runtime,
  machine: machineOf(row),
  epoch: row.epoch,
  host: row.host_id === null ? null : { id: row.host_id, name: row.host_name },
  demo: row.demo,
  startedAt: row.started_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
})

interface StartSoFar {
  epoch: number
  reason: string
  stages: { name: string; durationMs: number }[]
  /** Absent: it is over. */
  running?: { name: string; sinceMs: number }[]
}

export class SessionStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  private sessions(orgId: OrgId) {
    return this.db('agent_sessions as s')
      .join('projects as p', 'p.id', 's.project_id')
      .leftJoin('hosts as h', 'h.id', 's.host_id')
      .where({ 's.org_id': orgId })
      .select('s.*', 'h.name as host_name', 'p.size as project_size', 'p.custom_size as project_custom_size')
  }

  async find(orgId: OrgId, id: SessionId): Promise<Session | null> {
    const row = await this.sessions(orgId).andWhere({ 's.id': id }).first()
    return row === undefined ? null : sessionOf(row)
  }

  /** Newest first. */
  async list(orgId: OrgId, projectId: ProjectId, { limit, cursor, state, tasks }: QueryOf<typeof listSessions>): Promise<Session[]> {
    const rows = await this.sessions(orgId)
      .andWhere({ 's.project_id': projectId })
      .modify((query) => {
        if (cursor !== undefined) query.andWhere('s.id', '<', cursor)
        if (state !== undefined) query.andWhere({ 's.state': state })
        if (tasks === 'without') query.whereNull('s.task_id')
      })
      .orderBy('s.id', 'desc')
      .limit(limit)
    return rows.map(sessionOf)
  }

  /** Oldest first. `before` answers the last `limit` entries under it; without bounds the newest ones. */
  async entries(
    orgId: OrgId,
    id: SessionId,
    { after, before, limit }: { after?: number | undefined; before?: number | undefined; limit: number },
  ): Promise<JournalEntry[]> {
    const newest = after === undefined
    const rows = await this.db('session_entries')
      .where({ org_id: orgId, session_id: id })
      .modify((query) => {
        if (after !== undefined) query.andWhere('sequence', '>', after)
        if (before !== undefined) query.andWhere('sequence', '<', before)
      })
      .orderBy('sequence', newest ? 'desc' : 'asc')
      .limit(limit)
    const ordered: { sequence: number; at: Date; payload: JournalEntry['payload'] }[] = newest ? rows.reverse() : rows
    return ordered.map((row) => ({ sequence: row.sequence, at: row.at.toISOString(), payload: row.payload }))
  }

  async upTo(orgId: OrgId, id: SessionId): Promise<number> {
    const row = await this.db('session_entries').where({ org_id: orgId, session_id: id }).max('sequence as upto').first()
    return row?.upto ?? 0
  }

  /** The row as the link needs it; null when there is no such session. */
  async rowOf(id: SessionId): Promise<SessionRow | null> {
    return (await this.db('agent_sessions').where({ id }).first()) ?? null
  }

  /** The session's row under lock, if it lives on this host. */
  async lock(trx: Knex, hostId: HostId, id: SessionId): Promise<SessionRow | null> {
    return (await trx('agent_sessions').where({ id, host_id: hostId }).forUpdate().first()) ?? null
  }

  /** What a start is at. One that is over stays as it was told then. */
  async noteStart(trx: Knex, session: SessionRow, { running, ...start }: StartSoFar): Promise<void> {
    const begun = running?.map(({ name, sinceMs }) => ({ name, since: new Date(Date.now() - sinceMs).toISOString() }))
    const told = { reason: start.reason, stages: JSON.stringify(start.stages), running: begun === undefined ? null : JSON.stringify(begun) }
    await trx('session_starts')
      .insert({ session_id: session.id, epoch: start.epoch, org_id: session.org_id, ...told })
      .onConflict(['session_id', 'epoch'])
      .merge({ ...told, at: trx.fn.now() })
      .whereNotNull('session_starts.running')
  }

  /** A start that took prompts; told twice, it is kept once. */
  async recordStart(trx: Knex, session: SessionRow, start: Omit<StartSoFar, 'running'>): Promise<void> {
    await this.noteStart(trx, session, start)
    await voidRequests(trx, session, { beforeEpoch: start.epoch })
    if (session.state === 'starting')
      await trx('agent_sessions').where({ id: session.id }).update({ state: 'idle', reason: null, started_at: trx.fn.now() })
  }

  async setReason(trx: Knex, id: SessionId, reason: string): Promise<void> {
    await trx('agent_sessions').where({ id }).update({ reason })
  }

  async livingOn(hostId: HostId): Promise<{ sessionId: SessionId; epoch: number; state: SessionState }[]> {
    const rows = await this.db('agent_sessions').where({ host_id: hostId }).whereNot('state', 'stopped').select('id', 'epoch', 'state')
    return rows.map((row) => ({ sessionId: row.id, epoch: row.epoch, state: row.state }))
  }

  /** The prompt of a session that lives on this host; null for any other. */
  async promptFor(hostId: HostId, promptId: PromptId): Promise<ResponseOf<typeof fetchPrompt> | null> {
    const row = await this.db('prompts as p')
      .join('agent_sessions as s', 's.id', 'p.session_id')
      .leftJoin('users as u', 'u.id', 'p.author_id')
      .where({ 'p.id': promptId, 's.host_id': hostId })
      .first('p.id', 'p.kind', 'p.text', 'p.mode', 'p.session_id', 'u.name')
    if (row === undefined) return null
    const steers = row.mode === 'steer' && (await this.lastWasCutShort(row.session_id))
    return {
      promptId: row.id,
      origin: row.kind === 'person' || row.kind === 'answer_comment' ? 'person' : 'workflow',
      author: row.name ?? null,
      text: row.text,
      ...(steers ? { steers } : {}),
    }
  }

  /** The newest turn of a session did not come to its own end. */
  private async lastWasCutShort(id: SessionId): Promise<boolean> {
    const last = await this.db('prompts').where({ session_id: id, state: 'ended' }).orderBy('ended_at', 'desc').first('outcome')
    return last?.outcome === 'cancelled'
  }

  /** The files that a person sent with a message. */
  async filesOf(promptId: PromptId): Promise<{ name: string; type: string; url: string }[]> {
    const prompt = await this.db('prompts').where({ id: promptId }).first('org_id', 'attachment_ids')
    const rows = await this.db('attachments')
      .where({ org_id: prompt?.org_id ?? '' })
      .whereIn('id', prompt?.attachment_ids ?? [])
      .orderBy('id')
    return rows.map(({ id, name, type }) => ({ name, type, url: `/api/v1/attachments/${id}` }))
  }

  /** Stores each entry once by its sequence number. Answers with the highest number under which none is missing. */
  async append(session: SessionRow, entries: JournalEntry[]): Promise<number> {
    const rows = entries.map(({ sequence, at, payload }) => ({
      session_id: session.id,
      sequence,
      org_id: session.org_id,
      at,
      payload: JSON.stringify(wellFormedJson(payload)),
    }))
    return this.db.transaction(async (trx) => {
      const locked = await trx('agent_sessions').where({ id: session.id }).forUpdate().first('journal_upto')
      await trx('session_entries').insert(rows).onConflict(['session_id', 'sequence']).ignore()
      await followRequests(trx, session, entries)
      const from = (locked?.journal_upto ?? 0) as number
      const following = await trx('session_entries')
        .where({ session_id: session.id })
        .andWhere('sequence', '>', from)
        .orderBy('sequence')
        .select('sequence')
      let upTo = from
      for (const { sequence } of following) {
        if (sequence !== upTo + 1) break
        upTo = sequence
      }
      if (upTo !== from) await trx('agent_sessions').where({ id: session.id }).update({ journal_upto: upTo })
      const closedGap = upTo - from > entries.length
      if (closedGap || entries.some(({ payload }) => payload.kind === 'turn_end')) await settleQuestions(trx, session.id)
      const kept = entries.flatMap(({ at, payload }) => (payload.kind === 'checkpoint' ? [{ at, kept: payload }] : []))
      if (kept.length > 0 && (await checkpointStore.record(trx, session, kept))) {
        const about = { projectId: session.project_id, sessionId: session.id, taskId: session.task_id }
        await appendEvent(trx, session.org_id, { type: 'session.changed', ...about, state: session.state })
      }
      return upTo
    })
  }
}
