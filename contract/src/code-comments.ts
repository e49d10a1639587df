import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { commitHash, treePath } from './repositories.ts'
import { spoken } from './spoken.ts'
import { text, timestamp } from './text.ts'

/** A line of a diff, on one of its sides; the whole file without one. */
export const codeAnchor = z.object({
  /** The commit of the working branch that was looked at. */
  commit: commitHash,
  path: treePath.refine((value) => value !== '', 'name a file'),
  side: z.enum(['before', 'after']),
  /** Counts from 1. */
  line: z.number().int().min(1).max(10_000_000).nullable(),
  /** The text of that line. */
  quote: text(2000).nullable(),
})

export const codeComment = codeAnchor.extend({
  id: idSchema('codeComment'),
  body: z.string(),
  author: z.object({ id: z.string(), name: z.string() }),
  /** Null while open. */
  resolvedAt: timestamp.nullable(),
  /** When the agent was told. */
  sentAt: timestamp.nullable(),
  createdAt: timestamp,
  /**
   * Where it stands in the newest commit: `current`; `moved`, with the line's new number; `outdated`: the line is gone, or the file.
   */
  place: z.enum(['current', 'moved', 'outdated']),
  currentLine: z.number().int().nullable(),
})
export type CodeComment = z.infer<typeof codeComment>

const params = z.object({ taskId: idSchema('task') })
const ofComment = params.extend({ codeCommentId: idSchema('codeComment') })
const body = spoken(20_000)

export const listCodeComments = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/code-comments',
  permission: 'task:read',
  summary: 'Comments on the changes of a task, oldest first',
  params,
  response: z.object({ items: z.array(codeComment) }),
})

export const createCodeComment = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/code-comments',
  permission: 'task:comment',
  summary: 'Comment on a line or a file of the changes; it goes to the agent with the next request for changes',
  params,
  body: codeAnchor.extend({ body }),
  response: codeComment,
})

export const resolveCodeComment = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/code-comments/:codeCommentId/resolve',
  permission: 'task:comment',
  summary: 'Mark a comment on the changes as dealt with, or open it again',
  params: ofComment,
  body: z.object({ resolved: z.boolean() }),
  response: codeComment,
})

export const deleteCodeComment = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/tasks/:taskId/code-comments/:codeCommentId',
  permission: 'task:comment',
  summary: 'Delete your own comment before the agent was told',
  params: ofComment,
  errors: ['conflict'],
})

export const sendCodeComments = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/code-comments/send',
  permission: 'task:write',
  summary: 'Send these comments to the agent now, as one message',
  params,
  body: z.object({ commentIds: z.array(idSchema('codeComment')).min(1).max(100) }),
  response: z.object({ promptId: idSchema('prompt') }),
  errors: ['conflict'],
})
