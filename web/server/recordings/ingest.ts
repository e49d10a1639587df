import { HelixError } from '@helix/contract/errors'
import { idSchema } from '@helix/contract/ids'
import { listRecorded, noteRecording, segmentHash, segmentMostBytes, segmentPath, storedSegment } from '@helix/contract/recording-wire'
import { type Request, Router } from 'express'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { requireHost } from '../hosts/credentials/caller.ts'
import { mount } from '../http/mount.ts'
import { RecordingDisk, type SegmentKey } from './disk.ts'
import { type RecordedSession, recordingStore } from './store.ts'

const count = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const segmentParams = z.object({ hostId: idSchema('host'), sessionId: idSchema('session'), epoch: count, startedUs: count })
const hash = z.string().regex(/^[0-9a-f]{64}$/)

/** What hosts send of the desktops that they record. All of it may arrive twice. */
export function recordingIngestRoutes(context: Context): Router {
  const router = Router()
  const { db, config } = context
  const disk = new RecordingDisk(config.HELIX_DATA_DIR)
  const recorded = config.HELIX_RECORDING_BUDGET_GB > 0

  mount(router, context, listRecorded, async ({ params }) => ({
    sessions: recorded ? await recordingStore.wantedOf(db, params.hostId) : [],
  }))
  mount(router, context, noteRecording, async ({ params, body }) => {
    const session = await recordingStore.session(db, params.sessionId)
    if (session === null || !(await recordingStore.isSource(db, params.hostId, session.id, body.epoch))) throw new HelixError('not_found')
    if (body.epoch !== session.epoch) throw new HelixError('epoch_outdated')
    await db.transaction(async (trx) => {
      await recordingStore.note(trx, session, body)
      await tellPages(trx, session)
    })
    context.bus.wake(session.orgId)
    return {}
  })

  router.put(segmentPath, async (request, response) => {
    await requireHost(context, request)
    response.json(storedSegment.parse({ wanted: await receive(context, disk, recorded, request) }))
  })
  return router
}

/** Whoever looks at the session asks again. */
async function tellPages(trx: Context['db'], session: RecordedSession): Promise<void> {
  const taskId = await recordingStore.taskOf(trx, session.id)
  await appendEvent(trx, session.orgId, {
    type: 'session.changed',
    projectId: session.projectId,
    sessionId: session.id,
    taskId,
    state: session.state,
  })
}

/** False: nobody wants it. */
async function receive(context: Context, disk: RecordingDisk, recorded: boolean, request: Request): Promise<boolean> {
  const { db } = context
  const { hostId, sessionId, epoch, startedUs } = segmentParams.parse(request.params)
  const said = hash.safeParse(request.header(segmentHash))
  if (!said.success) throw new HelixError('invalid_request', `${segmentHash}: the SHA-256 of the body, in hexadecimal`)
  if (Number(request.header('content-length') ?? 0) > segmentMostBytes) throw new HelixError('too_large')
  const session = await recordingStore.session(db, sessionId)
  // From who was not told to record it nothing is taken.
  if (session === null || !(await recordingStore.isSource(db, hostId, sessionId, epoch))) throw new HelixError('not_found')
  if (!recorded || !session.rules.enabled) return false
  const key: SegmentKey = { orgId: session.orgId, sessionId, epoch, startedUs }
  const known = await recordingStore.find(db, key)
  if (known !== null) {
    if (known.sha256 !== said.data) throw new HelixError('conflict', 'Another segment begins at this moment.')
    return true
  }
  await disk.checkRoom()
  await using segment = await disk.receive(key, request)
  if (segment.sha256 !== said.data) throw new HelixError('invalid_request', `${segmentHash}: the body has another hash`)
  await store(context, session, key, segment)
  context.bus.wake(session.orgId)
  return true
}

/** One at a time for a segment, so that what lies on the disk is what the row says. */
async function store(
  context: Context,
  session: RecordedSession,
  key: SegmentKey,
  segment: Awaited<ReturnType<RecordingDisk['receive']>>,
): Promise<void> {
  await context.db.transaction(async (trx) => {
    if (!(await recordingStore.insert(trx, key, segment.facts, segment.sha256))) {
      const first = await recordingStore.find(trx, key)
      if (first?.sha256 !== segment.sha256) throw new HelixError('conflict', 'Another segment begins at this moment.')
      return
    }
    await segment.keep()
    await tellPages(trx, session)
  })
}
