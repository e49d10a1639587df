import { z } from 'zod'
import { defineEndpoint, page, pageQuery } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { session } from './sessions.ts'
import { line, timestamp } from './text.ts'

/** Where git keeps the checkpoints of sessions; nobody sees these refs but whom they belong to. */
export const checkpointRefs = 'refs/helix/sessions'

/** The parts of a checkpoint: the working copy of each repository, and beside the first one the specs and what the agent remembers. */
export const checkpointRef = (sessionId: string, n: number, part?: 'specs' | 'agent'): string =>
  `${checkpointRefs}/${sessionId}/${n}${part === undefined ? '' : `-${part}`}`

const ofSession = z.object({ sessionId: idSchema('session') })
const ofCheckpoint = ofSession.extend({ n: z.coerce.number().int().min(1).max(1_000_000) })

export const checkpoint = z.object({
  /** Counts from 1 in each session. */
  n: z.number().int(),
  cause: z.enum(['turn', 'suspend']),
  promptId: idSchema('prompt').nullable(),
  repositories: z.array(z.object({ name: z.string(), /** Null: HEAD was on a commit. */ branch: z.string().nullable() })),
  /** The agent can go on with its conversation. */
  conversation: z.boolean(),
  /** What could not be kept, for people. */
  leftOut: z.array(z.string()),
  at: timestamp,
})
export type Checkpoint = z.infer<typeof checkpoint>

export const listCheckpoints = defineEndpoint({
  method: 'GET',
  path: '/api/v1/sessions/:sessionId/checkpoints',
  permission: 'task:read',
  summary: 'What is kept of a session’s files and conversation, the newest first: the last 20, and one for each day before',
  params: ofSession,
  query: pageQuery,
  response: page(checkpoint),
})

export const forkCheckpoint = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sessions/:sessionId/checkpoints/:n/fork',
  permission: 'task:write',
  summary:
    'Start a session without a task from a checkpoint: its files as uncommitted work on a branch of its own, and the agent’s conversation',
  params: ofCheckpoint,
  body: z.object({ title: line(120).optional() }),
  response: session,
  errors: ['conflict'],
})
