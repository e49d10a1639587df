import { z } from 'zod'
import { agentRuntime } from './agents.ts'
import { defineEndpoint, page, pageQuery } from './endpoint.ts'
import { hostLabels } from './host-labels.ts'
import { idSchema } from './ids.ts'
import { customSize, sizes } from './machine.ts'
import { session, sessionStates } from './sessions.ts'
import { spoken } from './spoken.ts'
import { promptModes } from './task-work.ts'
import { line } from './text.ts'

const ofProject = z.object({ projectId: idSchema('project') })
const ofSession = z.object({ sessionId: idSchema('session') })

const words = spoken(100_000)

/** How many sessions without a task a project may have that are not stopped. */
export const mostOpenSessions = 50

export const createSession = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/sessions',
  permission: 'task:write',
  summary: 'Start a session without a task: a machine with working copies of the project’s repositories and an agent that waits',
  params: ofProject,
  body: z
    .object({
      title: line(120).optional(),
      /** Absent: the project's. */
      agentRuntime: agentRuntime.optional(),
      /** What the agent is told first; absent: it waits. */
      prompt: words.optional(),
      /** Its machine; absent: the project's. `customSize` goes with `custom`. */
      size: z.enum(sizes).optional(),
      customSize: customSize.optional(),
      /** Of the hosts that may run it; absent: the project's. */
      hostLabels: hostLabels.optional(),
    })
    .refine(({ size, customSize }) => (size === 'custom') === (customSize !== undefined), {
      path: ['customSize'],
      message: 'say how large a custom machine is, and leave it out for the other sizes',
    }),
  response: session,
  errors: ['conflict'],
})

export const listSessions = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/sessions',
  permission: 'task:read',
  summary: 'Sessions of a project, the newest first',
  params: ofProject,
  query: pageQuery.extend({ state: z.enum(sessionStates).optional(), tasks: z.enum(['with', 'without']).default('with') }),
  response: page(session),
})

export const stopSession = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sessions/:sessionId/stop',
  permission: 'task:write',
  summary: 'End a session without a task, and remove its machine with all that was not pushed',
  params: ofSession,
  errors: ['conflict'],
})

export const suspendSession = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sessions/:sessionId/suspend',
  permission: 'task:write',
  summary: 'Stop the machine of an idle session now; files and conversation stay. A turn that runs is not cut off',
  params: ofSession,
  errors: ['conflict'],
})

export const resumeSession = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sessions/:sessionId/resume',
  permission: 'task:write',
  summary: 'Start the machine of a session without telling its agent anything',
  params: ofSession,
  errors: ['conflict'],
})

export const promptSession = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sessions/:sessionId/prompts',
  permission: 'task:write',
  summary: 'Tell the agent of a session without a task what to do: after what waits already, or at once',
  params: ofSession,
  body: z.object({ text: words, mode: z.enum(promptModes).default('queue') }),
  response: z.object({ id: idSchema('prompt') }),
  errors: ['conflict'],
})
