import { z } from 'zod'
import { defineEndpoint, page } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { line, timestamp } from './text.ts'

/** What the use of models is summed by. */
export const usageGroups = ['day', 'project', 'task', 'model', 'person', 'provider'] as const
export const usageGroup = z.enum(usageGroups)
export type UsageGroup = z.infer<typeof usageGroup>

/** Units: calls, tokens, micro-dollars. */
const sums = {
  calls: z.number().int(),
  failed: z.number().int(),
  inputTokens: z.number().int(),
  cachedTokens: z.number().int(),
  outputTokens: z.number().int(),
  reasoningTokens: z.number().int(),
  microUsd: z.number().int(),
  /** Calls whose tokens the provider did not say. */
  estimated: z.number().int(),
}
export const usageSums = z.object(sums)
export type UsageSums = z.infer<typeof usageSums>

export const usageRow = z.object({
  /** Of the project, task or person, the model’s name, the provider’s, or the day; null: calls of none. */
  key: z.string().nullable(),
  name: z.string(),
  ...sums,
})
export type UsageRow = z.infer<typeof usageRow>

const day = z.iso.date()

export const usageQuery = z.object({
  by: usageGroup.default('model'),
  /** The first and the last day, in UTC; absent: the last 30 days. */
  from: day.optional(),
  to: day.optional(),
  projectId: idSchema('project').optional(),
  taskId: idSchema('task').optional(),
  userId: idSchema('user').optional(),
  model: line(200).optional(),
})

export const getUsage = defineEndpoint({
  method: 'GET',
  path: '/api/v1/usage',
  permission: 'project:read',
  summary:
    'What models were used and cost: of the projects that the caller may see and of the caller’s own calls; all of it for administrators',
  query: usageQuery,
  response: z.object({
    from: day,
    to: day,
    total: usageSums,
    /** The dearest first; the others are summed in the last. */
    rows: z.array(usageRow),
    /** Each day of the range, also those without calls; with what the dearest rows had of it. */
    days: z.array(z.object({ day, microUsd: z.number().int(), calls: z.number().int(), parts: z.array(z.number().int()) })),
    /** Whose the parts are, by their places. */
    parts: z.array(z.object({ key: z.string().nullable(), name: z.string() })),
    /** Only projects that the caller may see, and own calls. */
    partial: z.boolean(),
  }),
})

export const modelCall = z.object({
  id: z.string(),
  startedAt: timestamp,
  durationMs: z.number().int(),
  firstByteMs: z.number().int().nullable(),
  operation: z.string(),
  provider: z.string(),
  askedModel: z.string(),
  model: z.string(),
  /** Of HTTP; 499: the agent left. */
  status: z.number().int(),
  streamed: z.boolean(),
  attempts: z.number().int(),
  /** Of the task’s workflow; null: not known. */
  step: z.number().int().nullable(),
  promptId: z.string().nullable(),
  inputTokens: z.number().int().nullable(),
  cachedTokens: z.number().int().nullable(),
  outputTokens: z.number().int().nullable(),
  reasoningTokens: z.number().int().nullable(),
  estimated: z.boolean(),
  microUsd: z.number().int(),
  requestId: z.string().nullable(),
})
export type ModelCall = z.infer<typeof modelCall>

export const listTaskCalls = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/calls',
  permission: 'task:read',
  summary: 'Calls of models that a task made, newest first, with what they took and cost',
  params: z.object({ taskId: idSchema('task') }),
  query: z.object({ cursor: line(30).optional(), limit: z.coerce.number().int().min(1).max(500).default(200) }),
  response: page(modelCall).extend({ total: usageSums }),
})

export const createPlaygroundKey = defineEndpoint({
  method: 'POST',
  path: '/api/v1/playground/key',
  permission: 'account:self',
  summary: 'A key for a few minutes that asks models as the caller and does nothing else; it ends the one before',
  response: z.object({ secret: z.string(), expiresAt: timestamp }),
})

/** `?by=…` with the conditions of `getUsage`. */
export const usageExportPath = '/api/v1/usage.csv'
