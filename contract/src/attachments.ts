import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'

/** Found from the content, never from the name. */
export const attachmentTypes = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'application/pdf',
  'application/zip',
  'video/mp4',
  'text/plain',
  'application/octet-stream',
] as const

export const attachment = z.object({
  id: idSchema('attachment'),
  name: z.string(),
  type: z.enum(attachmentTypes),
  /** Units: bytes. */
  size: z.number().int(),
  /** What it shows, as whoever made it said; null: nobody said. */
  caption: z.string().nullable().default(null),
  /** Path under the control plane. */
  url: z.string(),
})
export type Attachment = z.infer<typeof attachment>

/** Units: bytes. */
export const attachmentMaxBytes = 25 * 1024 * 1024
/** On one task. */
export const attachmentsMax = 100
/** Units: pixels. */
export const imageMaxPixels = 50_000_000

/** The body is the file itself; its name is sent URI-encoded in `x-file-name`. Answers an `attachment`. */
export const uploadPath = '/api/v1/projects/:projectId/attachments'
/** The content: images, PDF and video to look at, everything else to download. */
export const attachmentPath = '/api/v1/attachments/:attachmentId'

const ofTask = z.object({ taskId: idSchema('task'), attachmentId: idSchema('attachment') })

export const addAttachment = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/tasks/:taskId/attachments/:attachmentId',
  permission: 'task:write',
  summary: 'Put a file that was uploaded to its project on a task. The agent is told of it when planning or implementing begins',
  params: ofTask,
  errors: ['conflict'],
})

export const removeAttachment = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/tasks/:taskId/attachments/:attachmentId',
  permission: 'task:write',
  summary: 'Take an attachment off a task',
  params: ofTask,
})
