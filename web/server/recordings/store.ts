import type { HostId, OrgId, ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import { plainRecording, type RecordingRules } from '@helix/contract/recording-rules'
import type { RecordingChapter, RecordingSegment } from '@helix/contract/recordings'
import type { SessionState } from '@helix/contract/sessions'
import type { Knex } from 'knex'
import type { SegmentKey } from './disk.ts'
import type { SegmentFacts } from './segment.ts'

export interface SegmentRow extends SegmentFacts {
  id: number
  orgId: OrgId
  sessionId: SessionId
  epoch: number
  startedUs: number
  sha256: string
}

interface Row {
  id: string | number
  session_id: SessionId
  org_id: OrgId
  epoch: number
  started_us: string | number
  duration_us: string | number
  moving_us: string | number
  stills: [number, number][]
  width: number
  height: number
  bytes: number
  init_bytes: number
  pictures: number
  sha256: string
}

const segmentOf = (row: Row): SegmentRow => ({
  id: Number(row.id),
  orgId: row.org_id,
  sessionId: row.session_id,
  epoch: row.epoch,
  startedUs: Number(row.started_us),
  durationUs: Number(row.duration_us),
  movingUs: Number(row.moving_us),
  stills: row.stills,
  width: row.width,
  height: row.height,
  bytes: row.bytes,
  initBytes: row.init_bytes,
  pictures: row.pictures,
  sha256: row.sha256,
})

export const shownSegment = (row: SegmentRow): RecordingSegment => ({
  id: row.id,
  startMs: row.startedUs / 1000,
  durationMs: row.durationUs / 1000,
  movingMs: row.movingUs / 1000,
  stills: row.stills,
  width: row.width,
  height: row.height,
  bytes: row.bytes,
})

/** Whose desktop it is, and what its project wants. */
export interface RecordedSession {
  id: SessionId
  orgId: OrgId
  projectId: ProjectId
  epoch: number
  state: SessionState
  rules: RecordingRules
}

export interface RecordingState {
  state: 'recording' | 'paused' | 'ended'
  reason: string | null
  lost: number
  removed_at: Date | null
}

/** Rows of recordings and of their segments. */
export const recordingStore = {
  async session(db: Knex, id: SessionId): Promise<RecordedSession | null> {
    const row = await db('agent_sessions as s')
      .join('projects as p', 'p.id', 's.project_id')
      .where({ 's.id': id })
      .first('s.id', 's.org_id', 's.project_id', 's.epoch', 's.state', 'p.recording')
    if (row === undefined) return null
    const { org_id: orgId, project_id: projectId, epoch, state, recording } = row
    return { id, orgId, projectId, epoch, state, rules: recording ?? plainRecording }
  },

  async taskOf(db: Knex, id: SessionId): Promise<TaskId | null> {
    return (await db('agent_sessions').where({ id }).first('task_id'))?.task_id ?? null
  },

  /** Sessions that live on this host and whose projects want them recorded; what they send is taken from now on. */
  async wantedOf(db: Knex, hostId: HostId): Promise<{ sessionId: SessionId; epoch: number }[]> {
    const rows = await db('agent_sessions as s')
      .join('projects as p', 'p.id', 's.project_id')
      .where({ 's.host_id': hostId, 'p.deleted_at': null })
      .whereIn('s.state', ['starting', 'idle', 'running'])
      .whereRaw("coalesce(p.recording ->> 'enabled', 'true') = 'true'")
      .select('s.id', 's.epoch', 's.org_id')
    const sources = rows.map((row) => ({ session_id: row.id, epoch: row.epoch, host_id: hostId, org_id: row.org_id }))
    if (sources.length > 0) await db('recording_sources').insert(sources).onConflict(['session_id', 'epoch', 'host_id']).ignore()
    return rows.map((row) => ({ sessionId: row.id, epoch: row.epoch }))
  },

  async isSource(db: Knex, hostId: HostId, sessionId: SessionId, epoch: number): Promise<boolean> {
    return (await db('recording_sources').where({ host_id: hostId, session_id: sessionId, epoch }).first('epoch')) !== undefined
  },

  async find(db: Knex, key: SegmentKey): Promise<SegmentRow | null> {
    const row = await db('recording_segments').where({ session_id: key.sessionId, epoch: key.epoch, started_us: key.startedUs }).first()
    return row === undefined ? null : segmentOf(row)
  },

  /** False: it is there already. */
  async insert(db: Knex, key: SegmentKey, facts: SegmentFacts, sha256: string): Promise<boolean> {
    const { initBytes, durationUs, movingUs, stills, ...same } = facts
    const inserted = await db('recording_segments')
      .insert({
        ...same,
        session_id: key.sessionId,
        org_id: key.orgId,
        epoch: key.epoch,
        started_us: key.startedUs,
        duration_us: durationUs,
        moving_us: movingUs,
        stills: JSON.stringify(stills),
        init_bytes: initBytes,
        sha256,
      })
      .onConflict(['session_id', 'epoch', 'started_us'])
      .ignore()
      .returning('id')
    return inserted.length === 1
  },

  /** In the order of time; those between two ids. */
  async segments(
    db: Knex,
    orgId: OrgId,
    sessionId: SessionId,
    { from = 0, to }: { from?: number; to?: number } = {},
  ): Promise<SegmentRow[]> {
    const rows: Row[] = await db('recording_segments')
      .where({ org_id: orgId, session_id: sessionId })
      .andWhere('id', '>=', from)
      .modify((query) => {
        if (to !== undefined) query.andWhere('id', '<=', to)
      })
      .orderBy(['started_us', 'epoch'])
    return rows.map(segmentOf)
  },

  async state(db: Knex, orgId: OrgId, sessionId: SessionId): Promise<RecordingState | null> {
    return (await db('recordings').where({ org_id: orgId, session_id: sessionId }).first()) ?? null
  },

  async note(db: Knex, session: RecordedSession, note: { state: string; reason: string | null; lost: number }): Promise<void> {
    const { state, reason, lost } = note
    await db('recordings')
      .insert({ session_id: session.id, org_id: session.orgId, state, reason, lost })
      .onConflict('session_id')
      .merge({ state, reason, lost: db.raw('recordings.lost + ?', [lost]), updated_at: db.fn.now() })
  },

  /** Older than their projects want. */
  async tooOld(db: Knex, limit: number): Promise<SegmentRow[]> {
    const rows: Row[] = await db('recording_segments as g')
      .join('agent_sessions as s', 's.id', 'g.session_id')
      .join('projects as p', 'p.id', 's.project_id')
      .whereRaw("g.created_at < now() - make_interval(days => coalesce((p.recording ->> 'keepDays')::int, ?))", [plainRecording.keepDays])
      .orderBy('g.id')
      .limit(limit)
      .select('g.*')
    return rows.map(segmentOf)
  },

  /** The oldest of what is over `mostBytes`: of one session, or of all. */
  async tooMuch(db: Knex, of: 'session' | 'all', mostBytes: number, limit: number): Promise<SegmentRow[]> {
    const sum =
      of === 'session'
        ? 'sum(bytes) over (partition by session_id order by started_us desc, id desc)'
        : 'sum(bytes) over (order by id desc)'
    const summed = db('recording_segments').select('*', db.raw(`${sum} as so_far`))
    const rows: Row[] = await db.from(summed.as('g')).where('so_far', '>', mostBytes).orderBy('id').limit(limit)
    return rows.map(segmentOf)
  },

  /** Of one session, or of all. Units: bytes. */
  async bytes(db: Knex, sessionId?: SessionId): Promise<number> {
    const row = await db('recording_segments')
      .modify((query) => {
        if (sessionId !== undefined) query.where({ session_id: sessionId })
      })
      .sum('bytes as bytes')
      .first()
    return Number(row?.bytes ?? 0)
  },

  /** What happened in the conversation between two moments, oldest first; of a tool call its first entry. Units: unix milliseconds. */
  async chapters(db: Knex, orgId: OrgId, id: SessionId, between: [number, number], limit: number): Promise<RecordingChapter[]> {
    const { rows } = await db.raw(
      `select * from (
         select distinct on (coalesce(payload ->> 'toolCallId', sequence::text)) sequence, at, payload ->> 'kind' as kind,
           coalesce(payload ->> 'title', payload ->> 'text', payload ->> 'outcome', '') as title
         from session_entries
         where org_id = :orgId and session_id = :id and payload ->> 'kind' in ('prompt', 'tool', 'turn_end')
           and at between to_timestamp(:from) and to_timestamp(:to)
         order by coalesce(payload ->> 'toolCallId', sequence::text), sequence
       ) c order by sequence limit :limit`,
      { orgId, id, from: between[0] / 1000, to: between[1] / 1000, limit },
    )
    return (rows as { sequence: number; at: Date; kind: RecordingChapter['kind']; title: string }[]).map(({ at, title, ...rest }) => ({
      ...rest,
      title: title.split('\n', 1)[0]?.slice(0, 160) ?? '',
      atMs: at.getTime(),
    }))
  },

  /** When the first of its segments is as old as may be. */
  async oldest(db: Knex, orgId: OrgId, sessionId: SessionId): Promise<Date | null> {
    const row = await db('recording_segments').where({ org_id: orgId, session_id: sessionId }).min('created_at as at').first()
    return row?.at ?? null
  },

  /** Removes the rows; the recordings say that there was more. */
  async remove(db: Knex, rows: readonly SegmentRow[]): Promise<void> {
    await db.transaction(async (trx) => {
      await trx('recording_segments')
        .whereIn(
          'id',
          rows.map(({ id }) => id),
        )
        .delete()
      const sessions = new Map(rows.map(({ sessionId, orgId }) => [sessionId, orgId]))
      for (const [sessionId, orgId] of sessions)
        await trx('recordings')
          .insert({ session_id: sessionId, org_id: orgId, state: 'ended', removed_at: trx.fn.now() })
          .onConflict('session_id')
          .merge({ removed_at: trx.fn.now() })
    })
  },
}
