import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { reviewRules } from './projects.ts'
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

/** Where in a document a comment stands: the quoted source text and its character offset in that revision's file, with line ends as `\n`. */
export const anchor = z.object({
  document: z.enum(specDocuments),
  quote: text(4000).refine((value) => value.trim() !== '', 'select some text'),
  /** UTF-16 offset of the quote's start; a hint where the same text stands twice. */
  offset: z.number().int().min(0),
})
export type Anchor = z.infer<typeof anchor>

export const placeStates = ['unchanged', 'moved', 'changed', 'gone'] as const
export type PlaceState = (typeof placeStates)[number]

/** Where a comment's text stands in another revision. `changed`: what stands there now resembles it; `gone`: nothing does. */
export const place = z.object({
  state: z.enum(placeStates),
  /** UTF-16 offsets in the document with line ends as `\n`; null when gone. */
  start: z.number().int().nullable(),
  end: z.number().int().nullable(),
})
export type Place = z.infer<typeof place>

export const comment = z.object({
  id: idSchema('comment'),
  /** Of a reply: the comment that began the thread. */
  parentId: idSchema('comment').nullable(),
  revisionId: idSchema('revision'),
  revisionNumber: z.number().int(),
  anchor: anchor.nullable(),
  /** In the revision that was asked for; null for replies and for comments on the whole. */
  place: place.nullable(),
  body: z.string(),
  /** What the quoted text could be instead; empty: without it. */
  suggestion: z.string().nullable(),
  /** The commit that a person made of the suggestion. */
  appliedCommit: commitHash.nullable(),
  author: z.object({ kind: z.enum(['person', 'agent']), name: z.string(), id: idSchema('user').nullable() }),
  /** Null while open. Of replies always null: a thread is resolved as a whole. */
  resolvedAt: timestamp.nullable(),
  resolvedBy: z.string().nullable(),
  /** Whether the caller may resolve the thread and open it again. */
  mayResolve: z.boolean(),
  /** Set once the agent was told, with the request for changes that told it. */
  sentAt: timestamp.nullable(),
  createdAt: timestamp,
})
export type Comment = z.infer<typeof comment>

/** A thread that was put to the agent: its answer comes as a reply when its turn has ended, and from the journal while it runs. */
export const question = z.object({
  promptId: idSchema('prompt'),
  sessionId: idSchema('session'),
  /** The comment that began the thread. */
  commentId: idSchema('comment'),
  state: z.enum(['waiting', 'answered', 'failed']),
  /** Why there is no answer; null unless failed. */
  problem: z.string().nullable(),
  createdAt: timestamp,
})
export type Question = z.infer<typeof question>

export const verdicts = ['approved', 'changes_requested', 'rejected'] as const

export const review = z.object({
  id: idSchema('review'),
  revisionId: idSchema('revision'),
  commit: commitHash,
  verdict: z.enum(verdicts),
  note: z.string(),
  by: z.string(),
  byId: idSchema('user'),
  at: timestamp,
  /** Why it does not count any more, e.g. `Revision 3 came`; null while it counts. */
  voidReason: z.string().nullable(),
})
export type Review = z.infer<typeof review>

const person = z.object({ id: idSchema('user'), name: z.string() })

export const approvals = z.object({
  /** Of the newest revision while it is in review, afterwards of the one that was approved. */
  by: z.array(person),
  needed: z.number().int(),
  /** Why the caller may not approve it now, for people; null when they may. */
  problem: z.string().nullable(),
})

const params = z.object({ taskId: idSchema('task') })
const ofComment = params.extend({ commentId: idSchema('comment') })
const documents = z.object({ requirements: z.string().nullable(), design: z.string().nullable(), tasks: z.string().nullable() })

export const getSpec = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/spec',
  permission: 'task:read',
  summary: 'The documents of a revision (default: the newest), all revisions, threads and reviews',
  params,
  query: z.object({ revision: z.coerce.number().int().min(1).optional() }),
  response: z.object({
    revisions: z.array(revision),
    /** The revision whose documents these are; null before the first push. */
    revision: revision.nullable(),
    /** Markdown source; null where the revision does not have the document. */
    documents,
    /** Oldest first, replies among them. */
    comments: z.array(comment),
    questions: z.array(question),
    reviews: z.array(review),
    approvals,
    reviewers: z.array(person),
    /** False: they are the project's, not chosen for this task. */
    reviewersChosen: z.boolean(),
    rules: reviewRules,
  }),
})
export type Spec = z.infer<(typeof getSpec)['response']>

/** Units: UTF-16 units. */
const longestComment = 20_000

export const createComment = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/comments',
  permission: 'task:comment',
  summary: 'Comment on a passage of a revision or on the whole of it, suggest other words for it, or reply in a thread',
  params,
  body: z.object({
    revisionId: idSchema('revision'),
    anchor: anchor.nullable().default(null),
    /** The comment that began the thread this replies to. */
    parentId: idSchema('comment').nullable().default(null),
    /** May be empty beside a suggestion. `@name` tells a person. */
    body: text(longestComment),
    /** Replaces the quoted text; needs an anchor. */
    suggestion: text(longestComment).nullable().default(null),
  }),
  response: comment,
  errors: ['conflict'],
})

export const askAgent = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/comments/:commentId/ask',
  permission: 'task:review',
  summary: 'Put a thread to the agent of the task; it answers in the thread and may push a new revision. The status stays',
  params: ofComment,
  response: question,
  errors: ['conflict'],
})

export const resolveComment = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/comments/:commentId/resolve',
  permission: 'task:comment',
  summary: 'Mark a thread as resolved, or open it again: its author and the reviewers may',
  params: ofComment,
  body: z.object({ resolved: z.boolean() }),
  response: comment,
  errors: ['forbidden', 'conflict'],
})

export const applySuggestions = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/apply-suggestions',
  permission: 'task:review',
  summary: 'Commit suggestions to the spec under the caller’s name: all of them in one commit, which is a new revision, or none',
  params,
  body: z.object({
    /** The revision on the caller's screen; refused when a newer one exists. */
    revisionId: idSchema('revision'),
    commentIds: z.array(idSchema('comment')).min(1).max(50),
  }),
  response: z.object({ revision }),
  errors: ['conflict', 'revision_outdated'],
})

export const listTaskPeople = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/people',
  permission: 'task:comment',
  summary: 'Everybody who sees the task, for mentions and for who reviews',
  params,
  response: z.object({ items: z.array(person.extend({ mayReview: z.boolean() })) }),
})

export const setReviewers = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/tasks/:taskId/reviewers',
  permission: 'task:review',
  summary: 'Who is asked to review this task; null: the project’s reviewers',
  params,
  body: z.object({ userIds: z.array(idSchema('user')).max(20).nullable() }),
  response: z.object({ reviewers: z.array(person), chosen: z.boolean() }),
})

export const specLink = z.object({
  id: idSchema('link'),
  createdBy: z.string(),
  createdAt: timestamp,
  expiresAt: timestamp.nullable(),
})
export type SpecLink = z.infer<typeof specLink>

export const listSpecLinks = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/links',
  permission: 'task:review',
  summary: 'Links that show the newest spec to anybody who has them, without those that ended',
  params,
  response: z.object({
    /** Whether the project lets them be made; while it does not, none of them opens. */
    allowed: z.boolean(),
    items: z.array(specLink),
  }),
})

export const createSpecLink = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/links',
  permission: 'task:review',
  summary: 'Make a link that shows the newest spec to anybody who has it; its address is told once',
  params,
  body: z.object({ expiresInDays: z.number().int().min(1).max(365).nullable().default(30) }),
  response: specLink.extend({ url: z.url() }),
  errors: ['conflict'],
})

export const revokeSpecLink = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/tasks/:taskId/links/:linkId',
  permission: 'task:review',
  summary: 'End a link at once; one that ended already is no error',
  params: params.extend({ linkId: idSchema('link') }),
})

/** The token travels in the body, so that no log of paths holds it. */
export const readPublicSpec = defineEndpoint({
  method: 'POST',
  path: '/api/v1/public-spec',
  permission: 'public',
  summary: 'The documents behind a public link, and nothing else',
  body: z.object({ token: z.string().max(200) }),
  response: z.object({ revision: z.object({ number: z.number().int(), createdAt: timestamp }), documents }),
})
export type PublicSpec = z.infer<(typeof readPublicSpec)['response']>
