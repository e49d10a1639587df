import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { commit, commitHash, fileChange } from './repositories.ts'
import { sessionStart } from './session-start.ts'
import { spoken } from './spoken.ts'
import { taskStatus } from './task-status.ts'
import { promptMaxLength } from './tasks.ts'
import { line, timestamp } from './text.ts'

const params = z.object({ taskId: idSchema('task') })

/**
 * `queue`: after the running turn and what waits. `steer`: at once: the running turn is cut short, and the agent goes on with its work and this.
 * `interrupt`: ends the running turn; the agent answers this, and its work waits for the next message.
 */
export const promptModes = ['queue', 'steer', 'interrupt'] as const
export type PromptMode = (typeof promptModes)[number]

export const sendPrompt = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/prompts',
  permission: 'task:write',
  summary: 'Send a message to the agent of this task: after what waits, into the work at hand, or instead of it',
  params,
  body: z.object({
    text: spoken(promptMaxLength),
    mode: z.enum(promptModes).default('queue'),
    attachmentIds: z.array(line(100)).max(20).default([]),
  }),
  response: z.object({
    promptId: idSchema('prompt'),
    /** What became of it, where that is not what was asked for; for people. */
    note: z.string().nullable(),
  }),
  errors: ['conflict', 'idempotency_mismatch'],
  maxBodyBytes: 1024 * 1024,
})

export const timelineStep = z.object({
  step: z.number().int(),
  status: taskStatus,
  /** What moved it: a message of the workflow, e.g. `specReady`. */
  cause: z.string(),
  reason: z.string().nullable(),
  actor: z.string().nullable(),
  at: timestamp,
  /** Until the next step; null for the current one. */
  durationMs: z.number().int().nullable(),
})
export type TimelineStep = z.infer<typeof timelineStep>

export const getTimeline = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/timeline',
  permission: 'task:read',
  summary: 'The steps of the workflow, the starts of its session and its turns, oldest first',
  params,
  response: z.object({
    steps: z.array(timelineStep),
    sessionStarts: z.array(sessionStart),
    turns: z.array(
      z.object({
        promptId: idSchema('prompt'),
        kind: z.string(),
        state: z.enum(['queued', 'running', 'ended', 'failed', 'withdrawn']),
        outcome: z.string().nullable(),
        queuedAt: timestamp,
        startedAt: timestamp.nullable(),
        endedAt: timestamp.nullable(),
      }),
    ),
    /** What the agent asked a person, and how long that took. */
    waits: z.array(
      z.object({
        requestId: z.string(),
        title: z.string(),
        state: z.enum(['pending', 'answered', 'void']),
        answeredBy: z.string().nullable(),
        askedAt: timestamp,
        endedAt: timestamp.nullable(),
      }),
    ),
    /** Times in which it waited for budget. */
    budgetStops: z
      .array(
        z.object({ id: z.string(), message: z.string(), at: timestamp, endedAt: timestamp.nullable(), endReason: z.string().nullable() }),
      )
      .default([]),
  }),
})

export const getChanges = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/changes',
  permission: 'task:read',
  summary: 'The diff of the working branch against where it left the base branch',
  params,
  response: z.object({
    repositoryId: idSchema('repository'),
    base: commitHash.nullable(),
    head: commitHash.nullable(),
    commits: z.array(commit),
    files: z.array(fileChange),
    /** True when the diff has more than 500 files and the rest is left out. */
    truncated: z.boolean(),
  }),
})
