import { z } from 'zod'
import { agentRuntime } from './agents.ts'
import { desktopAction } from './desktop-action.ts'
import { defineEndpoint } from './endpoint.ts'
import { formField, formValues } from './forms.ts'
import { idSchema } from './ids.ts'
import { customSize, sizes } from './machine.ts'
import { commitHash } from './repositories.ts'
import { timestamp } from './text.ts'

export const sessionStates = ['queued', 'starting', 'idle', 'running', 'suspended', 'lost', 'stopped'] as const
export type SessionState = (typeof sessionStates)[number]

export const session = z.object({
  id: idSchema('session'),
  projectId: idSchema('project'),
  taskId: idSchema('task').nullable(),
  /** What a session without a task is called. */
  title: z.string().nullable(),
  state: z.enum(sessionStates),
  /** Why it is in that state, for people; null when the state says it all. */
  reason: z.string().nullable(),
  agentRuntime,
  /** Its own, or its project’s as it is now: what the next start gets. */
  machine: z.object({ size: z.enum(sizes), ...customSize.shape }),
  /** Counts the starts. */
  epoch: z.number().int(),
  host: z.object({ id: idSchema('host'), name: z.string() }).nullable(),
  demo: z.boolean(),
  startedAt: timestamp.nullable(),
  createdAt: timestamp,
})
export type Session = z.infer<typeof session>

export const imageTypes = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const

/** One piece of content of a tool call. */
export const toolContent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({ kind: z.literal('diff'), path: z.string(), before: z.string().nullable(), after: z.string() }),
  /** What a command wrote, with its escape sequences. */
  z.object({ kind: z.literal('terminal'), output: z.string(), exitCode: z.number().int().nullable() }),
  /** Base64. The type was found in the bytes, whatever the agent called it; never an SVG. */
  z.object({ kind: z.literal('image'), mediaType: z.enum(imageTypes), data: z.string() }),
])

export const permissionOption = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['allow_once', 'allow_always', 'reject_once', 'reject_always']),
})
export type PermissionOption = z.infer<typeof permissionOption>

/** A commit over the commit that HEAD was; null: there was none yet. */
const snapshot = z.object({ commit: commitHash, head: commitHash.nullable() })

/** Files and conversation were pushed as checkpoint `n`: see `checkpointRef`. */
export const keptCheckpoint = z.object({
  kind: z.literal('checkpoint'),
  n: z.number().int().min(1).max(1_000_000),
  cause: z.enum(['turn', 'suspend']),
  promptId: z.string().nullable(),
  repositories: z
    .array(snapshot.extend({ name: z.string().max(200), /** Null: HEAD was on a commit. */ branch: z.string().max(500).nullable() }))
    .max(100),
  /** Drafts in the worktree of `helix-specs`. */
  specs: snapshot.nullable(),
  /** The agent's state, and the name of its own session in it. */
  agent: z.object({ commit: commitHash, runtime: agentRuntime, session: z.string().max(500).nullable() }).nullable(),
  /** What could not be kept, for people. */
  leftOut: z.array(z.string().max(500)).max(50),
})
export type KeptCheckpoint = z.infer<typeof keptCheckpoint>

/**
 * What happened in a session, as the supervisor saw it. `chunk` entries with the same `messageId` are one message; a `tool` entry with a
 * known `toolCallId` replaces the fields it carries.
 */
export const journalPayload = z.discriminatedUnion('kind', [
  /** A prompt reached the agent. Once per prompt id, whatever dies. */
  z.object({
    kind: z.literal('prompt'),
    promptId: z.string(),
    origin: z.enum(['workflow', 'person']),
    author: z.string().nullable(),
    text: z.string(),
  }),
  z.object({ kind: z.literal('chunk'), messageId: z.string(), role: z.enum(['agent', 'thought']), text: z.string() }),
  z.object({
    kind: z.literal('tool'),
    toolCallId: z.string(),
    title: z.string().optional(),
    toolKind: z.string().optional(),
    status: z.enum(['pending', 'in_progress', 'completed', 'failed']).optional(),
    content: z.array(toolContent).optional(),
    /** What the call did to the desktop. */
    desktop: desktopAction.optional(),
  }),
  z.object({
    kind: z.literal('plan'),
    entries: z.array(
      z.object({ content: z.string(), status: z.enum(['pending', 'in_progress', 'completed']), priority: z.string().optional() }),
    ),
  }),
  /** The turn of a prompt ended: `end_turn`, `cancelled`, `refusal`, `max_tokens`, `max_turn_requests`, or `error` with a message. */
  z.object({ kind: z.literal('turn_end'), promptId: z.string(), outcome: z.string(), message: z.string().nullable() }),
  /** The agent asks whether it may use a tool, or with `fields` what it wants to know, and waits. */
  z.object({
    kind: z.literal('permission'),
    requestId: z.string().max(100),
    promptId: z.string().nullable(),
    title: z.string(),
    tool: z.string(),
    options: z.array(permissionOption).max(20),
    fields: z.array(formField).max(40).optional(),
  }),
  /** The agent has an answer, `void` without one: its turn or the agent itself ended first. */
  z.object({
    kind: z.literal('permission_end'),
    requestId: z.string().max(100),
    outcome: z.enum(['selected', 'cancelled', 'void']),
    optionId: z.string().nullable(),
    answeredBy: z.string().nullable(),
    values: formValues.optional(),
  }),
  /** What Helix did to the session: started, agent restarted, resumed after a loss. */
  z.object({ kind: z.literal('notice'), text: z.string() }),
  keptCheckpoint,
])
export type JournalPayload = z.infer<typeof journalPayload>

export const journalEntry = z.object({
  /** Counts from 1 in each session without gaps. */
  sequence: z.number().int().min(1),
  at: timestamp,
  payload: journalPayload,
})
export type JournalEntry = z.infer<typeof journalEntry>

const params = z.object({ sessionId: idSchema('session') })

export const getSession = defineEndpoint({
  method: 'GET',
  path: '/api/v1/sessions/:sessionId',
  permission: 'task:read',
  summary: 'One session',
  params,
  response: session,
})

export const getJournal = defineEndpoint({
  method: 'GET',
  path: '/api/v1/sessions/:sessionId/journal',
  permission: 'task:read',
  summary: 'Entries of the conversation after a sequence number, oldest first; `latest` alone answers the last ones',
  params,
  query: z.object({
    after: z.coerce.number().int().min(0).optional(),
    before: z.coerce.number().int().min(1).optional(),
    limit: z.coerce.number().int().min(1).max(1000).default(500),
  }),
  response: z.object({
    entries: z.array(journalEntry),
    /** The highest sequence number stored. */
    upTo: z.number().int(),
  }),
})
