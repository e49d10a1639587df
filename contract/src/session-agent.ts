import { z } from 'zod'
import { permissionRequest, queuedPrompt } from './conversation.ts'
import { defineEndpoint } from './endpoint.ts'
import { formValues } from './forms.ts'
import { idSchema } from './ids.ts'
import { sessionStart } from './session-start.ts'
import { session } from './sessions.ts'
import { spoken } from './spoken.ts'
import { promptMaxLength } from './tasks.ts'
import { line, timestamp } from './text.ts'

/** What people do with the agent of a session that no task has; that of a task is talked to on the task. */
const params = z.object({ sessionId: idSchema('session') })
const ofPrompt = params.extend({ promptId: idSchema('prompt') })

export const getSessionAgent = defineEndpoint({
  method: 'GET',
  path: '/api/v1/sessions/:sessionId/agent',
  permission: 'task:read',
  summary: 'What runs in a session, what waits to be sent to its agent, what its agent asks, and how its starts went',
  params,
  response: z.object({
    /** A turn runs, since when. */
    turn: z.object({ promptId: idSchema('prompt'), since: timestamp.nullable() }).nullable(),
    /** In the order they are sent. */
    queued: z.array(queuedPrompt),
    permissions: z.array(permissionRequest),
    /** Oldest first. */
    starts: z.array(sessionStart),
  }),
})

export const editSessionPrompt = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/sessions/:sessionId/prompts/:promptId',
  permission: 'task:write',
  summary: 'Change your message while it waits; one that is on its way answers conflict',
  params: ofPrompt,
  body: z.object({ text: spoken(promptMaxLength) }),
  response: queuedPrompt,
  errors: ['conflict'],
  maxBodyBytes: 1024 * 1024,
})

export const withdrawSessionPrompt = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/sessions/:sessionId/prompts/:promptId',
  permission: 'task:write',
  summary: 'Take a message back while it waits; one that is on its way answers conflict',
  params: ofPrompt,
  errors: ['conflict'],
})

export const stopSessionTurn = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sessions/:sessionId/stop-turn',
  permission: 'task:write',
  summary: 'End the running turn of the agent; it goes on with the next message',
  params,
  errors: ['conflict'],
})

export const answerSessionPermission = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sessions/:sessionId/permissions/:requestId',
  permission: 'task:write',
  summary: 'Answer what the agent asks; the first answer counts, a second one is told whose it was',
  params: params.extend({ requestId: line(100) }),
  body: z.object({ optionId: line(200), values: formValues.optional() }),
  response: permissionRequest,
  errors: ['conflict'],
})

export const renameSession = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/sessions/:sessionId',
  permission: 'task:write',
  summary: 'Call a session without a task by another name',
  params,
  body: z.object({ title: line(120) }),
  response: session,
  errors: ['conflict'],
})
