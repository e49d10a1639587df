import { pipeline } from 'node:stream/promises'
import { HelixError } from '@helix/contract/errors'
import { idSchema } from '@helix/contract/ids'
import { clipRecording, getRecording, recordingVideoPath, recordingVideoQuery } from '@helix/contract/recordings'
import { type Request, type Response, Router } from 'express'
import type { Context } from '../context.ts'
import { mount, requireActor } from '../http/mount.ts'
import { cutClip } from './clips.ts'
import { RecordingDisk } from './disk.ts'
import { Film, type FilmSource } from './film.ts'
import { shownRecording } from './shown.ts'
import { recordingStore } from './store.ts'

/** What people see of recorded desktops. */
export function recordingRoutes(context: Context): Router {
  const router = Router()
  const { db, config } = context
  const disk = new RecordingDisk(config.HELIX_DATA_DIR)

  mount(router, context, getRecording, ({ actor, params, query }) => shownRecording(db, actor.orgId, params.sessionId, query.brief === 1))
  mount(router, context, clipRecording, ({ actor, params, body }) => cutClip(context, disk, actor, params.taskId, body))

  router.get(recordingVideoPath, async (request, response) => {
    const { orgId } = await requireActor(context, 'task:read', request)
    const sessionId = idSchema('session').parse(request.params.sessionId)
    const { from, to, stills, download } = recordingVideoQuery.parse(request.query)
    const bounds = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
    const rows = await recordingStore.segments(db, orgId, sessionId, bounds)
    const [first, ...more] = rows.map((row): FilmSource => ({ ...row, open: () => disk.open(row) }))
    if (first === undefined) throw new HelixError('not_found', 'Nothing is recorded of this desktop.')
    const film = await Film.of([first, ...more], stills)
    response.setHeader('etag', `"${rows[0]?.id}-${rows.at(-1)?.id}-${rows.length}-${stills}"`)
    response.setHeader('content-disposition', `${download === '1' ? 'attachment' : 'inline'}; filename="recording-${sessionId}.mp4"`)
    await sendFilm(request, response, film)
  })
  return router
}

/** As much of it as was asked for (RFC 9110, 14). */
async function sendFilm(request: Request, response: Response, film: Film): Promise<void> {
  response.setHeader('content-type', 'video/mp4')
  response.setHeader('content-security-policy', "default-src 'none'; sandbox")
  response.setHeader('cache-control', 'private, no-cache')
  response.setHeader('accept-ranges', 'bytes')
  const wished = request.header('if-range')
  const ranges = wished === undefined || wished === response.getHeader('etag') ? request.range(film.size) : undefined
  if (ranges === -1) {
    response.setHeader('content-range', `bytes */${film.size}`)
    throw new HelixError('invalid_request', 'range: none of the recording')
  }
  // Several at once would need a body of their own kind; all of it is an answer too.
  const range = Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1 ? ranges[0] : undefined
  const [start, end] = range === undefined ? [0, film.size] : [range.start, range.end + 1]
  if (range !== undefined) response.status(206).setHeader('content-range', `bytes ${start}-${end - 1}/${film.size}`)
  response.setHeader('content-length', end - start)
  if (request.method === 'HEAD') return void response.end()
  // Either end gone is the end of both, and told by the connection.
  await pipeline(film.read(start, end), response).catch(() => response.destroy())
}
