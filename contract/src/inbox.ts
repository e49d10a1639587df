import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { line, timestamp } from './text.ts'

/** Why a thing needs a person. What was handled by anyone is done for everyone. */
export const inboxKinds = [
  'spec_review',
  'implementation_review',
  'permission',
  'question',
  'failed',
  'mention',
  /** A session waits for a higher budget. */
  'budget',
  /** Much of a budget is spent. */
  'spending',
] as const
export type InboxKind = (typeof inboxKinds)[number]
export const inboxKind = z.enum(inboxKinds)

/** These end by hand; the others by what they ask for: a decision, an answer. */
export const endedByHand = ['mention', 'failed', 'spending'] as const satisfies readonly InboxKind[]

export const inboxItem = z.object({
  id: idSchema('inboxItem'),
  kind: inboxKind,
  title: z.string(),
  /** One sentence more: what failed, what was asked, what was said. */
  detail: z.string(),
  /** Null: it is about the organisation. */
  project: z.object({ id: idSchema('project'), name: z.string() }).nullable(),
  /** Null: it is about a session that no task has, or about none. */
  task: z.object({ id: idSchema('task'), number: z.number().int(), title: z.string() }).nullable(),
  /** Such a session; null: it is about a task, or with it null about the project or the organisation. */
  session: z.object({ id: idSchema('session'), title: z.string().nullable() }).nullable(),
  /** What the agent asks, as `answerPermission` and `answerSessionPermission` take it; null for what is no question of an agent. */
  requestId: z.string().nullable(),
  /** It is about the caller's own task, asks for them by name, or they were chosen for it; others may handle it too. */
  mine: z.boolean(),
  read: z.boolean(),
  snoozedUntil: timestamp.nullable(),
  /** How often people were reminded of it. */
  reminders: z.number().int(),
  createdAt: timestamp,
  doneAt: timestamp.nullable(),
  /** Who handled it; null while open, and where it ended by itself. */
  doneBy: z.string().nullable(),
  doneReason: z.string().nullable(),
})
export type InboxItem = z.infer<typeof inboxItem>

export const inboxStates = ['open', 'snoozed', 'done'] as const
export type InboxState = (typeof inboxStates)[number]

export const inboxCounts = z.object({
  open: z.number().int(),
  /** Of the open ones. */
  mine: z.number().int(),
  snoozed: z.number().int(),
})
export type InboxCounts = z.infer<typeof inboxCounts>

export const listInbox = defineEndpoint({
  method: 'GET',
  path: '/api/v1/inbox',
  permission: 'task:read',
  summary: 'What needs the caller, newest first; done ones by when they were done',
  query: z.object({
    state: z.enum(inboxStates).default('open'),
    projectId: idSchema('project').optional(),
    cursor: line(200).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(100),
  }),
  response: z.object({ items: z.array(inboxItem), nextCursor: z.string().nullable(), counts: inboxCounts }),
})

export const countInbox = defineEndpoint({
  method: 'GET',
  path: '/api/v1/inbox/counts',
  permission: 'task:read',
  summary: 'How much needs the caller',
  response: inboxCounts,
})

const params = z.object({ itemId: idSchema('inboxItem') })

export const snoozeInboxItem = defineEndpoint({
  method: 'POST',
  path: '/api/v1/inbox/:itemId/snooze',
  permission: 'task:read',
  summary: 'Hide it from the caller’s inbox until then; null brings it back. Others go on seeing it',
  params,
  body: z.object({ until: timestamp.nullable() }),
  errors: ['conflict'],
})

export const readInboxItem = defineEndpoint({
  method: 'POST',
  path: '/api/v1/inbox/:itemId/read',
  permission: 'task:read',
  summary: 'Mark it as read, or as unread, for the caller',
  params,
  body: z.object({ read: z.boolean() }),
})

export const finishInboxItem = defineEndpoint({
  method: 'POST',
  path: '/api/v1/inbox/:itemId/done',
  permission: 'task:read',
  summary: 'Done, for everyone who saw it. Reviews and permissions end by their decision and refuse this',
  params,
  response: z.object({
    /** False: somebody was quicker, and it stays as they left it. */
    changed: z.boolean(),
  }),
  errors: ['conflict'],
})
