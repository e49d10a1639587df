import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { sessionStates } from './sessions.ts'
import { taskStatus } from './task-status.ts'

/**
 * What `/api/v1/events` sends: SSE with `id:` the event's number, `event:` its type and `data:` this JSON. Events are hints to read again
 * plus what a board needs at once; they carry no prompts and no secrets. Append-only, per organisation.
 */
export const helixEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('task.created'), projectId: idSchema('project'), taskId: idSchema('task') }),
  z.object({
    type: z.literal('task.changed'),
    projectId: idSchema('project'),
    taskId: idSchema('task'),
    status: taskStatus,
    step: z.number().int(),
  }),
  /** The sentence on the card changed. */
  z.object({ type: z.literal('task.activity'), projectId: idSchema('project'), taskId: idSchema('task'), activity: z.string() }),
  z.object({ type: z.literal('spec.revised'), projectId: idSchema('project'), taskId: idSchema('task'), revision: z.number().int() }),
  /** An approval, a decision, a change of who reviews, or a reminder. */
  z.object({ type: z.literal('spec.reviewed'), projectId: idSchema('project'), taskId: idSchema('task') }),
  z.object({ type: z.literal('spec.commented'), projectId: idSchema('project'), taskId: idSchema('task') }),
  z.object({
    type: z.literal('repository.pushed'),
    repositoryId: idSchema('repository'),
    pushId: idSchema('push'),
    branch: z.string(),
    commit: z.string(),
  }),
  z.object({ type: z.literal('repository.created'), repositoryId: idSchema('repository') }),
  z.object({ type: z.literal('project.changed'), projectId: idSchema('project') }),
  z.object({
    type: z.literal('session.changed'),
    projectId: idSchema('project'),
    sessionId: idSchema('session'),
    taskId: idSchema('task').nullable(),
    state: z.enum(sessionStates),
  }),
  /** New journal entries exist; read them from `/sessions/:id/journal?after=`. At most five a second for a session. */
  z.object({
    type: z.literal('session.journal'),
    projectId: idSchema('project'),
    sessionId: idSchema('session'),
    taskId: idSchema('task').nullable(),
    upTo: z.number().int(),
  }),
  /** Roles, grants, teams or visibility changed: what may be seen must be asked again. */
  z.object({ type: z.literal('access.changed') }),
  /** Something began or ceased to need a person; `userId`: only this person's inbox is concerned. */
  z.object({ type: z.literal('inbox.changed'), projectId: idSchema('project').optional(), userId: idSchema('user').nullable() }),
  /** Set, removed, or much of it is spent; absent: the organisation’s. */
  z.object({ type: z.literal('budget.changed'), projectId: idSchema('project').optional() }),
  /** The agent asks something, or what it asked is over. */
  z.object({
    type: z.literal('permission.changed'),
    projectId: idSchema('project'),
    sessionId: idSchema('session'),
    taskId: idSchema('task').nullable(),
    requestId: z.string(),
    state: z.enum(['pending', 'answered', 'void']),
  }),
  z.object({ type: z.literal('code.commented'), projectId: idSchema('project'), taskId: idSchema('task') }),
  z.object({ type: z.literal('host.changed'), hostId: idSchema('host') }),
])
export type HelixEvent = z.infer<typeof helixEvent>
export type HelixEventType = HelixEvent['type']

/** An event's number, as text: what `Last-Event-ID` takes. */
const eventId = z.string().regex(/^\d{1,15}$/, 'expected the number of an event')

/** The event stream for who cannot hold one open: the same events by page. Ask again after `lastEventId`, at once where there is `more`. */
export const listEvents = defineEndpoint({
  method: 'GET',
  path: '/api/v1/events/page',
  permission: 'project:read',
  summary: 'Events after a number, for clients without an event stream',
  query: z.object({ after: eventId.optional().describe('Without it: only the newest number') }),
  response: z.object({
    events: z.array(z.object({ id: eventId, event: helixEvent })),
    /** Also moves over events that the caller may not see. */
    lastEventId: eventId,
    more: z.boolean(),
    /** The log never came to `after`: what is shown must be read again. */
    missed: z.boolean(),
  }),
})
