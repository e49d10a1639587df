import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { commitHash } from './repositories.ts'
import { text, timestamp } from './text.ts'

export const specDocuments = ['requirements', 'design', 'tasks'] as const
export type SpecDocument = (typeof specDocuments)[number]

export const revision = z.object({
  id: idSchema('revision'),
  /** Counts from 1 in each task: one revision per push that touches the task's folder. */
  number: z.number().int(),
  commit: commitHash,
  createdAt: timestamp,
})
export type Revision = z.infer<typeof revision>

/** Where in a document a comment stands: the quoted source text and its character offset in that revision's file. */
export const anchor = z.object({
  document: z.enum(specDocuments),
  quote: text(4000).refine((value) => value.trim() !== '', 'select some text'),
  /** UTF-16 offset of the quote's start; a hint where the same text stands twice. */
  offset: z.number().int().min(0),
})

export const comment = z.object({
  id: idSchema('comment'),
  revisionId: idSchema('revision'),
  revisionNumber: z.number().int(),
  anchor: anchor.nullable(),
  body: z.string(),
  author: z.object({ kind: z.enum(['person', 'agent']), name: z.string() }),
  /** Null while open. */
  resolvedAt: timestamp.nullable(),
  /** Set once the agent was told, with the request for changes that told it. */
  sentAt: timestamp.nullable(),
  createdAt: timestamp,
})
export type Comment = z.infer<typeof comment>

export const review = z.object({
  id: idSchema('review'),
  revisionId: idSchema('revision'),
  commit: commitHash,
  verdict: z.enum(['approved', 'changes_requested']),
  note: z.string(),
  by: z.string(),
  at: timestamp,
})

const params = z.object({ taskId: idSchema('task') })

export const getSpec = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/spec',
  permission: 'task:read',
  summary: 'The documents of a revision (default: the newest), all revisions, comments and reviews',
  params,
  query: z.object({ revision: z.coerce.number().int().min(1).optional() }),
  response: z.object({
    revisions: z.array(revision),
    /** The revision whose documents these are; null before the first push. */
    revision: revision.nullable(),
    /** Markdown source; null where the revision does not have the document. */
    documents: z.object({ requirements: z.string().nullable(), design: z.string().nullable(), tasks: z.string().nullable() }),
    comments: z.array(comment),
    reviews: z.array(review),
  }),
})
export type Spec = z.infer<(typeof getSpec)['response']>

export const createComment = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/comments',
  permission: 'task:comment',
  summary: 'Comment on a passage of a revision, or on the whole of it',
  params,
  body: z.object({
    revisionId: idSchema('revision'),
    anchor: anchor.nullable().default(null),
    body: text(20_000).refine((value) => value.trim() !== '', 'say something'),
  }),
  response: comment,
  errors: ['conflict'],
})

export const resolveComment = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/comments/:commentId/resolve',
  permission: 'task:comment',
  summary: 'Mark a comment as resolved, or open it again',
  params: params.extend({ commentId: idSchema('comment') }),
  body: z.object({ resolved: z.boolean() }),
  response: comment,
})
