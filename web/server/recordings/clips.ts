import { Readable } from 'node:stream'
import { attachmentMaxBytes, attachmentsMax } from '@helix/contract/attachments'
import type { BodyOf, ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { TaskId } from '@helix/contract/ids'
import type { clipRecording } from '@helix/contract/recordings'
import { AttachmentDisk } from '../attachments/disk.ts'
import { AttachmentStore } from '../attachments/store.ts'
import type { Context } from '../context.ts'
import type { Actor } from '../http/mount.ts'
import { changed, lockTask } from '../tasks/edit.ts'
import { ExtrasStore } from '../tasks/extras/store.ts'
import { TaskStore } from '../tasks/store.ts'
import type { RecordingDisk } from './disk.ts'
import { cutShort, Film, type FilmSource } from './film.ts'
import { recordingStore } from './store.ts'

type Wish = BodyOf<typeof clipRecording>
const megabytes = (bytes: number): number => Math.ceil(bytes / 1024 ** 2)

/** The segments that hold the piece: from the key frame at or before its start. */
async function piecesOf(sources: FilmSource[], { fromMs, toMs }: Wish): Promise<[FilmSource, ...FilmSource[]]> {
  const until = toMs * 1000
  const begins = sources.findLastIndex(({ startedUs }) => startedUs <= fromMs * 1000)
  const [first, ...more] = sources.slice(Math.max(0, begins)).filter(({ startedUs }) => startedUs < until)
  if (first === undefined) throw new HelixError('conflict', 'Nothing was recorded between these two moments.')
  const pieces: [FilmSource, ...FilmSource[]] = [first, ...more]
  const last = pieces.at(-1) ?? first
  pieces[pieces.length - 1] = await cutShort(last, until - last.startedUs)
  return pieces
}

/** Cuts the piece into a file of its own and puts it on the task. */
export async function cutClip(
  context: Context,
  disk: RecordingDisk,
  actor: Actor,
  taskId: TaskId,
  wish: Wish,
): Promise<ResponseOf<typeof clipRecording>> {
  const { db } = context
  if (wish.toMs <= wish.fromMs)
    throw new HelixError('invalid_request', 'The clip ends before it begins.', { fields: { toMs: 'is before fromMs' } })
  const task = await new TaskStore(db).find(actor.orgId, taskId)
  const session = await recordingStore.session(db, wish.sessionId)
  // A recording is shown in its own project only, whoever may see both.
  if (task === null || session?.orgId !== actor.orgId || session.projectId !== task.project_id) throw new HelixError('not_found')
  const rows = await recordingStore.segments(db, actor.orgId, wish.sessionId)
  const pieces = await piecesOf(
    rows.map((row) => ({ ...row, open: () => disk.open(row) })),
    wish,
  )
  const film = await Film.of(pieces, wish.stills)
  if (film.size > attachmentMaxBytes)
    throw new HelixError('too_large', `The clip has ${megabytes(film.size)} MB; 25 MB are the most: choose a shorter piece.`)
  const attachment = await putOnTask(context, actor, taskId, wish.caption, film)
  return { attachment, startMs: pieces[0].startedUs / 1000, durationMs: film.durationUs / 1000 }
}

async function putOnTask(context: Context, actor: Actor, taskId: TaskId, caption: string, film: Film) {
  await using file = await new AttachmentDisk(context.config.HELIX_DATA_DIR).receive(actor.orgId, Readable.from(film.read()))
  const { sha256, size, keep } = file
  const made = await context.db.transaction(async (trx) => {
    const row = await lockTask(trx, actor.orgId, taskId)
    const store = new AttachmentStore(trx)
    if ((await store.count(actor.orgId, row.id)) >= attachmentsMax)
      throw new HelixError('conflict', `A task has at most ${attachmentsMax} files: remove one first.`)
    const name = `${caption.replace(/[/\\\p{Cc}]/gu, ' ').slice(0, 100)}.mp4`
    const entry = { name, type: 'video/mp4' as const, size, sha256, caption }
    const attachment = await store.keep(actor.orgId, row.project_id, actor.userId, entry, keep)
    await new ExtrasStore(trx).attach(trx, row.project_id, row.id, [attachment.id])
    await changed(trx, row)
    return attachment
  })
  context.bus.wake(actor.orgId)
  return made
}
