import { HelixError } from '@helix/contract/errors'
import type { OrgId, SessionId } from '@helix/contract/ids'
import type { Recording } from '@helix/contract/recordings'
import type { Knex } from 'knex'
import { type RecordedSession, type RecordingState, recordingStore, type SegmentRow, shownSegment } from './store.ts'

/** Of one answer. */
const mostChapters = 2000
const dayMs = 86_400_000
const living: ReadonlySet<RecordedSession['state']> = new Set(['starting', 'idle', 'running'])

function stateOf(session: RecordedSession, told: RecordingState | null, some: boolean): Recording['state'] {
  const { enabled } = session.rules
  const lives = enabled && living.has(session.state)
  if (lives && told?.state === 'paused') return 'paused'
  if (some) return lives && told?.state === 'recording' ? 'recording' : 'ended'
  if (told?.removed_at != null) return 'expired'
  return enabled ? 'nothing' : 'off'
}

const endMs = ({ startedUs, durationUs }: SegmentRow): number => (startedUs + durationUs) / 1000

/** What people see of the recording of a session. */
export async function shownRecording(db: Knex, orgId: OrgId, sessionId: SessionId, brief: boolean): Promise<Recording> {
  const session = await recordingStore.session(db, sessionId)
  if (session === null || session.orgId !== orgId) throw new HelixError('not_found')
  const told = await recordingStore.state(db, orgId, sessionId)
  const segments = await recordingStore.segments(db, orgId, sessionId)
  const [first] = segments
  const span =
    first === undefined ? null : { fromMs: first.startedUs / 1000, toMs: segments.reduce((end, one) => Math.max(end, endMs(one)), 0) }
  const chapters =
    span === null || brief ? [] : await recordingStore.chapters(db, orgId, sessionId, [span.fromMs, span.toMs], mostChapters + 1)
  const oldest = await recordingStore.oldest(db, orgId, sessionId)
  const state = stateOf(session, told, segments.length > 0)
  return {
    state,
    reason: state === 'paused' ? (told?.reason ?? null) : null,
    span,
    segments: brief ? [] : segments.map(shownSegment),
    chapters: chapters.slice(0, mostChapters),
    moreChapters: chapters.length > mostChapters,
    bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    lost: told?.lost ?? 0,
    removedAt: told?.removed_at?.toISOString() ?? null,
    expiresAt: oldest === null ? null : new Date(oldest.getTime() + session.rules.keepDays * dayMs).toISOString(),
  }
}
