import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { taskStatus } from './task-status.ts'
import { timestamp } from './text.ts'

export const providerCheck = z.object({
  name: z.string(),
  dialect: z.enum(['openai', 'anthropic', 'google', 'bedrock']),
  /** What agents ask for there. */
  model: z.string(),
  ok: z.boolean(),
  /** One sentence for people; null when all is well. */
  problem: z.string().nullable(),
  /** What to do about it. */
  fix: z.string().nullable(),
  /** The provider's own words, for who runs the installation. */
  detail: z.string().nullable(),
  durationMs: z.number().int(),
  checkedAt: timestamp,
})
export type ProviderCheck = z.infer<typeof providerCheck>

export const onboarding = z.object({
  /** A task was merged in this organisation: the page has done its work. */
  complete: z.boolean(),
  dismissed: z.boolean(),
  /** Who may do what the caller may not. */
  administrators: z.array(z.string()),
  /** The caller administers the installation: providers and hosts are theirs to set up. */
  runsInstallation: z.boolean(),
  inference: z.object({
    demo: z.boolean(),
    providers: z.array(z.object({ name: z.string(), dialect: z.enum(['openai', 'anthropic', 'google', 'bedrock']) })),
    /** What came of the last test; null: not tested since the start. */
    checks: z.array(providerCheck).nullable(),
  }),
  hosts: z.object({
    known: z.number().int(),
    online: z.number().int(),
    name: z.string().nullable(),
    lastSeenAt: timestamp.nullable(),
    /** Of the host that is shown; null when all is well. */
    problem: z.string().nullable(),
  }),
  repository: z
    .object({ id: idSchema('repository'), name: z.string(), importedFrom: z.string().nullable() })
    .nullable()
    .describe('The first that the caller may see'),
  /** The first project that the caller may see. */
  project: z.object({ id: idSchema('project'), name: z.string() }).nullable(),
  /** The task that came furthest. */
  task: z
    .object({
      id: idSchema('task'),
      projectId: idSchema('project'),
      number: z.number().int(),
      title: z.string(),
      status: taskStatus,
      activity: z.string(),
      problem: z.string().nullable(),
      demo: z.boolean(),
    })
    .nullable(),
})
export type Onboarding = z.infer<typeof onboarding>

export const getOnboarding = defineEndpoint({
  method: 'GET',
  path: '/api/v1/onboarding',
  permission: 'host:read',
  summary: 'How far this organisation is from its first merged task',
  response: onboarding,
})

export const updateOnboarding = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/onboarding',
  permission: 'organisation:write',
  summary: 'Put the first steps away for everybody of the organisation, or bring them back',
  body: z.object({ dismissed: z.boolean() }),
  response: z.object({ dismissed: z.boolean() }),
})

export const checkProviders = defineEndpoint({
  method: 'POST',
  path: '/api/v1/inference/check',
  permission: 'host:read',
  summary: 'Ask every provider for a few tokens with its key; answers what was found lately unless `fresh`',
  body: z.object({ fresh: z.boolean().default(false) }),
  response: z.object({ items: z.array(providerCheck) }),
})
