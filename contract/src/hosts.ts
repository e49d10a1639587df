import { z } from 'zod'
import { agentRuntime } from './agents.ts'
import { egressPolicy } from './egress.ts'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { sessionKept, sessionMcpServer, sessionSecret, startUp } from './link.ts'
import { machine } from './machine.ts'
import { permissionMode } from './permission-mode.ts'
import { sessionStates } from './sessions.ts'

/** What a sandbox host asks of the control plane, with its own credential. */
const ofSession = z.object({ hostId: idSchema('host'), sessionId: idSchema('session') })

export const claimSession = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/hosts/:hostId/sessions/:sessionId/claim',
  permission: 'runner',
  summary: 'In one transaction: place the session on this host if it has room and nobody took it, raise its epoch, and mint its token',
  params: ofSession,
  body: z.object({
    bootId: z.string().max(100),
    /** The epoch the caller knows; a claim repeated by the same boot with the same epoch gets the same answer with a new token. */
    epoch: z.number().int(),
  }),
  response: z.discriminatedUnion('outcome', [
    z.object({
      outcome: z.literal('claimed'),
      epoch: z.number().int(),
      spec: z.object({
        sessionId: idSchema('session'),
        orgId: idSchema('org'),
        /** The control plane of the version before tells none. */
        projectId: idSchema('project').optional(),
        taskId: idSchema('task').nullable(),
        agentRuntime,
        /** The model name the agent asks the gateway for. */
        model: z.string(),
        demo: z.boolean(),
        egress: egressPolicy.default({ mode: 'open', domains: [] }),
        permissionMode: permissionMode.default('allow'),
        machine: machine.prefault({}),
        /** To fetch the image with, where its registry asks who it is. Secret like the token, and for the host alone. */
        imageLogin: z.object({ user: z.string(), password: z.string(), secret: z.string() }).nullable().default(null),
        /** For what people do in the machine. Secret like the token; never stored. */
        machineToken: z.string().default(''),
        /** Origin that the container reaches the control plane by. */
        controlPlaneUrl: z.url(),
        /** For the gateway, git and MCP. Secret; never in an environment that `docker inspect` shows. */
        token: z.string(),
        gitIdentity: z.object({ name: z.string(), email: z.string() }),
        startUp,
        kept: sessionKept.prefault({}),
        /** Secret like the token. Names are unique. */
        secrets: z.array(sessionSecret),
        /** Absent: the project has none. */
        mcpServers: z.array(sessionMcpServer).optional(),
        repositories: z.array(
          z.object({
            /** The control plane of the version before tells none. */
            id: idSchema('repository').optional(),
            name: z.string(),
            clonePath: z.string(),
            defaultBranch: z.string(),
            /** Where the working branch starts from. */
            baseBranch: z.string(),
            branch: z.string(),
            /** The first repository holds the worktree of `helix-specs`. */
            primary: z.boolean(),
          }),
        ),
      }),
    }),
    z.object({ outcome: z.literal('refused'), reason: z.string() }),
  ]),
  errors: ['epoch_outdated'],
})
export type SessionSpec = Extract<z.infer<(typeof claimSession)['response']>, { outcome: 'claimed' }>['spec']

const toldStages = z.array(z.object({ name: z.string().max(80), durationMs: z.number() })).max(40)

export const recordStart = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/hosts/:hostId/sessions/:sessionId/start',
  permission: 'runner',
  summary: 'The stages of a start and how long each took; shown in the timeline',
  params: ofSession,
  body: z.object({
    epoch: z.number().int(),
    reason: z.string().max(500),
    stages: toldStages,
  }),
  errors: ['epoch_outdated'],
})

export const reportProgress = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/hosts/:hostId/sessions/:sessionId/progress',
  permission: 'runner',
  summary: 'What a start that takes long is at; shown beside the session’s state until it takes prompts',
  params: ofSession,
  body: z.object({
    epoch: z.number().int(),
    /** For people, at most once a second. */
    text: z.string().min(1).max(200),
    /** The start so far: what ended, and what is under way. */
    start: z
      .object({
        reason: z.string().max(500),
        stages: toldStages,
        running: z.array(z.object({ name: z.string().max(80), sinceMs: z.number().min(0) })).max(40),
      })
      .optional(),
  }),
  errors: ['epoch_outdated'],
})

export const reportSuspension = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/hosts/:hostId/sessions/:sessionId/suspended',
  permission: 'runner',
  summary: 'The host stopped the machine of a session, or found it ended: the session says so, and goes on with its next turn',
  params: ofSession,
  body: z.object({
    /** Of the start that is over; one that is not the newest says nothing. */
    epoch: z.number().int(),
    /** For people. */
    reason: z.string().min(1).max(500),
  }),
  errors: ['epoch_outdated'],
})

export const fetchPrompt = defineEndpoint({
  method: 'GET',
  path: '/internal/v1/hosts/:hostId/prompts/:promptId',
  permission: 'runner',
  summary: 'The text of a prompt for a session that lives on this host',
  params: z.object({ hostId: idSchema('host'), promptId: idSchema('prompt') }),
  response: z.object({
    promptId: idSchema('prompt'),
    origin: z.enum(['workflow', 'person']),
    author: z.string().nullable(),
    text: z.string(),
    /** It cut a turn short and adds to that work: the agent is told so. */
    steers: z.boolean().optional(),
  }),
})

/** For garbage collection: what of this host is still wanted. An empty answer is an answer; a failed one collects nothing. */
export const listHostSessions = defineEndpoint({
  method: 'GET',
  path: '/internal/v1/hosts/:hostId/sessions',
  permission: 'runner',
  summary: 'Sessions that live on this host and are not stopped',
  params: z.object({ hostId: idSchema('host') }),
  response: z.object({
    sessions: z.array(z.object({ sessionId: idSchema('session'), epoch: z.number().int(), state: z.enum(sessionStates) })),
    /** What projects have their sessions started from; the control plane of the version before tells none. */
    images: z.array(z.string()).optional(),
    /** Those of them that a registry shows only to who signs in: they are fetched when a session needs them. */
    closedImages: z.array(z.string()).optional(),
  }),
})
