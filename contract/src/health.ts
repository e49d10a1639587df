import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { registrations } from './registration.ts'
import { timestamp } from './text.ts'

export const healthKeys = [
  'database',
  'temporal',
  'workers',
  'hosts',
  'inference',
  'storage',
  'outbox',
  'events',
  'mail',
  'webhooks',
] as const
export type HealthKey = (typeof healthKeys)[number]

/** `warn`: works, but not as it should. `off`: not set up, and nothing waits for it. */
export const healthStates = ['ok', 'warn', 'down', 'off'] as const
export type HealthState = (typeof healthStates)[number]

export const healthPart = z.object({
  key: z.enum(healthKeys),
  state: z.enum(healthStates),
  /** One sentence: what was found. */
  text: z.string(),
  /** What to do, when something is to be done. */
  fix: z.string().nullable(),
  /** In this state since, as far as the answering process knows. */
  since: timestamp,
  latencyMs: z.number().int(),
  /** Kept after it is well again. */
  lastError: z.object({ text: z.string(), at: timestamp }).nullable(),
})
export type HealthPart = z.infer<typeof healthPart>

export const getHealth = defineEndpoint({
  method: 'GET',
  path: '/api/v1/installation/health',
  permission: 'organisation:write',
  summary: 'Is the installation well? For administrators of its first organisation; every part has a deadline',
  query: z.object({ fresh: z.enum(['true', 'false']).optional().describe('true: look now; else what was seen within the last minute') }),
  response: z.object({
    version: z.string(),
    node: z.string(),
    schema: z.string(),
    startedAt: timestamp,
    lookedAt: timestamp,
    parts: z.array(healthPart),
    registration: z.enum(registrations),
    temporalUiUrl: z.string().nullable(),
  }),
})
export type Health = z.infer<(typeof getHealth)['response']>

export const retryingWork = z.object({
  workflowId: z.string(),
  /** In Temporal’s UI; null where none is configured. */
  url: z.string().nullable(),
  activity: z.string(),
  /** The try that runs or waits now. */
  attempt: z.number().int(),
  lastFailure: z.string().nullable(),
  lastFailedAt: timestamp.nullable(),
  nextTryAt: timestamp.nullable(),
})
export type RetryingWork = z.infer<typeof retryingWork>

export const listRetries = defineEndpoint({
  method: 'GET',
  path: '/api/v1/installation/retries',
  permission: 'organisation:write',
  summary: 'Running workflows whose work is tried again, most tries first',
  response: z.object({
    items: z.array(retryingWork),
    /** Running workflows that were looked at: the newest 200. */
    looked: z.number().int(),
    /** There are more that were not looked at. */
    more: z.boolean(),
    /** Null: Temporal answered. */
    problem: z.string().nullable(),
  }),
})
