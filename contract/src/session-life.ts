import { z } from 'zod'
import { agentRuntime } from './agents.ts'
import { defineEndpoint, page, pageQuery } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { session, sessionStates } from './sessions.ts'
import { spoken } from './spoken.ts'
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
  body: z.object({
    title: line(120).optional(),
    /** Absent: the project's. */
    agentRuntime: agentRuntime.optional(),
    /** What the agent is told first; absent: it waits. */
    prompt: words.optional(),
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
  summary: 'Tell the agent of a session without a task what to do; it is heard after what waits already',
  params: ofSession,
  body: z.object({ text: words }),
  response: z.object({ id: idSchema('prompt') }),
  errors: ['conflict'],
})
