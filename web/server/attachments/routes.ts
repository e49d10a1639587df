import {
  type Attachment,
  addAttachment,
  attachmentPath,
  attachmentsMax,
  imageMaxPixels,
  removeAttachment,
  uploadPath,
} from '@helix/contract/attachments'
import { HelixError } from '@helix/contract/errors'
import { idSchema, type TaskId } from '@helix/contract/ids'
import { line } from '@helix/contract/text'
import { type Request, Router } from 'express'
import type { Knex } from 'knex'
import { roleOnProject } from '../access/store.ts'
import { recordAudit } from '../audit/store.ts'
import type { Context } from '../context.ts'
import { type Actor, mount, requireActor } from '../http/mount.ts'
import { resolveActor } from '../identity/principal.ts'
import { resolveBearer } from '../identity/tokens.ts'
import { changed, lockTask } from '../tasks/edit.ts'
import { ExtrasStore } from '../tasks/extras/store.ts'
import type { TaskRow } from '../tasks/store.ts'
import { contentTypeOf, isImage, pixelsOf } from './content-type.ts'
import { AttachmentDisk, type ReceivedFile } from './disk.ts'
import { type AttachmentRow, AttachmentStore } from './store.ts'

/** Shown in the page; everything else is a download, whatever it is called. */
const shown = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'application/pdf', 'video/mp4'])
/** Units: milliseconds. */
const collectMs = 3_600_000

function nameOf(request: Request): string {
  const given = request.header('x-file-name') ?? ''
  const decoded = URL.canParse(`http://x/${given}`) ? safelyDecoded(given) : ''
  const name = decoded.replace(/[/\\\p{Cc}]/gu, ' ').trim()
  const parsed = line(200).safeParse(name)
  if (!parsed.success || name === '')
    throw new HelixError('invalid_request', 'x-file-name: the name of the file, URI-encoded, at most 200 characters', {
      fields: { 'x-file-name': 'is not a name' },
    })
  return parsed.data
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** What the file is; throws for what is not taken. */
async function acceptedType({ size, head, read }: ReceivedFile): Promise<Attachment['type']> {
  if (size === 0) throw new HelixError('invalid_request', 'The file is empty.')
  const type = contentTypeOf(head)
  const pixels = await pixelsOf(type, read)
  if (pixels !== null && pixels > imageMaxPixels)
    throw new HelixError('too_large', `The image has ${Math.round(pixels / 1e6)} megapixels; 50 are the most.`)
  // An image that does not say how large it is, is nothing that a browser is asked to draw.
  return isImage(type) && pixels === null ? 'application/octet-stream' : type
}

/** People with task:read on the project, and the session of that project. */
async function mayRead(context: Context, request: Request, row: AttachmentRow): Promise<boolean> {
  const token = request.header('authorization')?.replace(/^Bearer /, '')
  const bearer = token?.startsWith('hs_') ? await resolveBearer(context.db, token) : null
  if (bearer?.kind === 'session') {
    const session = await context.db('agent_sessions').where({ id: bearer.sessionId, org_id: row.org_id }).first('project_id')
    return session?.project_id === row.project_id
  }
  const actor = await resolveActor(context, request)
  if (actor === null) throw new HelixError('not_signed_in')
  if (actor.scopes !== null && !actor.scopes.includes('task:read')) return false
  return actor.orgId === row.org_id && (await roleOnProject(context.db, actor, row.project_id)) !== null
}

/** Files on tasks: uploaded raw, read back with headers that let no browser run them. */
export function attachmentRoutes(context: Context): Router {
  const router = Router()
  const store = new AttachmentStore(context.db)
  const disk = new AttachmentDisk(context.config.HELIX_DATA_DIR)
  const collect = (): Promise<number> => store.collect((orgId, sha256) => disk.remove(orgId, sha256))
  const timer = setInterval(() => void collect().catch((error) => context.log.warn({ err: error }, 'attachments not collected')), collectMs)
  timer.unref()
  context.streams.signal.addEventListener('abort', () => clearInterval(timer))

  router.post(uploadPath, async (request, response) => {
    const actor = await requireActor(context, 'task:write', request)
    const projectId = idSchema('project').parse(request.params.projectId)
    const name = nameOf(request)
    await using file = await disk.receive(actor.orgId, request)
    const type = await acceptedType(file)
    const made = await store.keep(actor.orgId, projectId, actor.userId, { name, type, size: file.size, sha256: file.sha256 }, file.keep)
    await recordAudit(context.db, {
      orgId: actor.orgId,
      actorId: actor.userId,
      actorName: actor.userName,
      via: actor.via,
      action: 'uploadAttachment',
      target: { kind: 'attachment', id: made.id, name },
      projectId,
      requestId: request.id,
      address: request.ip ?? null,
    })
    response.json(made)
  })

  router.get(attachmentPath, async (request, response) => {
    const id = idSchema('attachment').safeParse(request.params.attachmentId)
    const row = id.success ? await store.find(id.data) : null
    if (row === null) {
      await requireActor(context, 'account:self', request)
      throw new HelixError('not_found')
    }
    if (!(await mayRead(context, request, row))) throw new HelixError('not_found')
    const inline = shown.has(row.type)
    response.setHeader(
      'content-type',
      inline || row.type === 'text/plain'
        ? row.type === 'text/plain'
          ? 'text/plain; charset=utf-8'
          : row.type
        : 'application/octet-stream',
    )
    response.setHeader('content-disposition', `${inline ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(row.name)}`)
    response.setHeader('content-security-policy', "default-src 'none'; sandbox")
    response.setHeader('cache-control', 'private, max-age=3600')
    response.setHeader('content-length', row.size)
    disk
      .read(row.org_id, row.sha256)
      .on('error', () => response.destroy())
      .pipe(response)
  })

  /** Cards count files: whoever looks at them hears of it. */
  const change = async (actor: Actor, taskId: TaskId, work: (trx: Knex, row: TaskRow) => Promise<void>): Promise<Record<string, never>> => {
    await context.db.transaction(async (trx) => {
      const row = await lockTask(trx, actor.orgId, taskId)
      await work(trx, row)
      await changed(trx, row)
    })
    context.bus.wake(actor.orgId)
    return {}
  }
  mount(router, context, addAttachment, ({ actor, params }) =>
    change(actor, params.taskId, async (trx, { id, project_id }) => {
      if ((await new ExtrasStore(trx).attach(trx, project_id, id, [params.attachmentId])) !== null)
        throw new HelixError('not_found', 'There is no such file to put on this task: upload it to its project first.')
      if ((await new AttachmentStore(trx).count(actor.orgId, id)) > attachmentsMax)
        throw new HelixError('conflict', `A task has at most ${attachmentsMax} files: remove one first.`)
    }),
  )
  mount(router, context, removeAttachment, ({ actor, params }) =>
    change(actor, params.taskId, async (trx) => {
      if (!(await new AttachmentStore(trx).detach(actor.orgId, params.taskId, params.attachmentId))) throw new HelixError('not_found')
    }),
  )
  return router
}
