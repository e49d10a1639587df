import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { formField, formValues } from './forms.ts'
import { idSchema } from './ids.ts'
import { permissionOption, session } from './sessions.ts'
import { spoken } from './spoken.ts'
import { promptModes } from './task-work.ts'
import { promptMaxLength } from './tasks.ts'
import { line, text, timestamp } from './text.ts'

/** What an agent waits for until a person answers: whether it may use a tool, or with `fields` what it wants to know. */
export const permissionRequest = z.object({
  id: z.string(),
  sessionId: idSchema('session'),
  taskId: idSchema('task').nullable(),
  title: z.string(),
  /** ACP's kind of the tool: `execute`, `edit`, `read` … */
  tool: z.string(),
  options: z.array(permissionOption),
  /** The form to fill in; null for a mere choice. */
  fields: z.array(formField).nullable(),
  /** `void`: nobody can answer it any more, since its turn or its agent ended. */
  state: z.enum(['pending', 'answered', 'void']),
  /** Set once answered. */
  optionId: z.string().nullable(),
  answeredBy: z.string().nullable(),
  /** The agent has the answer. */
  delivered: z.boolean(),
  createdAt: timestamp,
})
export type PermissionRequest = z.infer<typeof permissionRequest>

export const queuedPrompt = z.object({
  id: idSchema('prompt'),
  text: z.string(),
  mode: z.enum(promptModes),
  author: z.object({ id: z.string(), name: z.string() }),
  queuedAt: timestamp,
})
export type QueuedPrompt = z.infer<typeof queuedPrompt>

const params = z.object({ taskId: idSchema('task') })
const ofPrompt = params.extend({ promptId: idSchema('prompt') })

export const getTaskAgent = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/agent',
  permission: 'task:read',
  summary: 'The session of a task, what waits to be sent to its agent, and what its agent asks',
  params,
  response: z.object({
    session: session.nullable(),
    /** A turn runs, since when. */
    turn: z.object({ promptId: idSchema('prompt'), since: timestamp.nullable() }).nullable(),
    /** In the order they are sent. */
    queued: z.array(queuedPrompt),
    permissions: z.array(permissionRequest),
  }),
})
export type TaskAgent = z.infer<(typeof getTaskAgent)['response']>

export const editPrompt = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/tasks/:taskId/prompts/:promptId',
  permission: 'task:write',
  summary: 'Change your message while it waits; one that is on its way answers conflict',
  params: ofPrompt,
  body: z.object({ text: spoken(promptMaxLength) }),
  response: queuedPrompt,
  errors: ['conflict'],
  maxBodyBytes: 1024 * 1024,
})

export const withdrawPrompt = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/tasks/:taskId/prompts/:promptId',
  permission: 'task:write',
  summary: 'Take a message back while it waits; one that is on its way answers conflict',
  params: ofPrompt,
  errors: ['conflict'],
})

export const stopTurn = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/stop-turn',
  permission: 'task:write',
  summary: 'End the running turn of the agent; it goes on with the next message',
  params,
  errors: ['conflict'],
})

export const suspendAgent = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/suspend',
  permission: 'task:write',
  summary: 'Stop the container of an idle agent and keep its work and conversation; the next message starts it again. Not in mid-turn',
  params,
  errors: ['conflict'],
})

export const answerPermission = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/permissions/:requestId',
  permission: 'task:write',
  summary:
    'Answer what the agent asks with one of its options, and its form filled in; the first answer counts, a second one is told whose it was',
  params: params.extend({ requestId: line(100) }),
  body: z.object({ optionId: line(200), values: formValues.optional() }),
  response: permissionRequest,
  errors: ['conflict'],
})

export const findTaskPaths = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/paths',
  permission: 'repository:read',
  summary: 'Files of the working branch, else of the base branch, whose path fits a few letters, best first',
  params,
  query: z.object({
    query: text(200).default(''),
    limit: z.coerce.number().int().min(1).max(50).default(10),
  }),
  response: z.object({ paths: z.array(z.string()) }),
})
