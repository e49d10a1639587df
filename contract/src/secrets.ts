import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { exposure } from './exposure.ts'
import { idSchema } from './ids.ts'
import { text, timestamp } from './text.ts'

/** Set by Helix, the shell or the agents themselves. */
const reserved =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|PWD|IFS|ENV|BASH_ENV|NODE_OPTIONS|DOCKER_HOST|IS_SANDBOX|OPENAI_API_KEY|OPENAI_HOST|OPENAI_BASE_PATH|(HELIX|LD|GOOSE|CLAUDE|ANTHROPIC|GIT)_.*)$/

export const secretName = z
  .string()
  .max(100)
  .regex(/^[A-Z_][A-Z0-9_]*$/, 'a name like NPM_TOKEN: capital letters, digits and _, not beginning with a digit')
  .refine((name) => !reserved.test(name), 'is used by the session itself: choose another name')

/** Units: UTF-16 units. Shorter values cannot be told from other words, so they are not blacked out. */
export const shortestRedacted = 6
export const secretValue = text(32_000).min(1)

export const secret = z.object({
  id: idSchema('secret'),
  name: z.string(),
  scope: z.enum(['organisation', 'project']),
  exposure,
  /** Null: that person is gone. */
  changedBy: z.string().nullable(),
  changedAt: timestamp,
})
export type Secret = z.infer<typeof secret>

const body = z.object({ name: secretName, value: secretValue, exposure: exposure.default('environment') })
const change = z.object({
  value: secretValue.optional(),
  exposure: exposure.optional(),
  /** `changedAt` as the caller knows it; another one answers conflict with who was first. Absent: whatever it is now is replaced. */
  expectedChangedAt: timestamp.optional(),
})
const ofProject = z.object({ projectId: idSchema('project') })
const secretId = idSchema('secret')

export const listSecrets = defineEndpoint({
  method: 'GET',
  path: '/api/v1/secrets',
  permission: 'organisation:write',
  summary: 'Names of the secrets that sessions of every project get; values are never answered',
  response: z.object({ items: z.array(secret) }),
})

export const createSecret = defineEndpoint({
  method: 'POST',
  path: '/api/v1/secrets',
  permission: 'organisation:write',
  summary: 'Add a secret for sessions of every project',
  body,
  response: secret,
  errors: ['conflict'],
})

export const updateSecret = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/secrets/:secretId',
  permission: 'organisation:write',
  summary: 'Replace the value of a secret, or who gets it; running sessions keep what they have until they start again',
  params: z.object({ secretId }),
  body: change,
  response: secret,
  errors: ['conflict'],
})

export const deleteSecret = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/secrets/:secretId',
  permission: 'organisation:write',
  summary: 'Remove a secret of the organisation',
  params: z.object({ secretId }),
})

export const listProjectSecrets = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/secrets',
  permission: 'project:write',
  summary: 'Names of the secrets that sessions of the project get, those of the organisation too; the project’s own win over them',
  params: ofProject,
  response: z.object({ items: z.array(secret) }),
})

export const createProjectSecret = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/secrets',
  permission: 'project:write',
  summary: 'Add a secret for sessions of the project',
  params: ofProject,
  body,
  response: secret,
  errors: ['conflict'],
})

export const updateProjectSecret = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/projects/:projectId/secrets/:secretId',
  permission: 'project:write',
  summary: 'Replace the value of a secret of the project, or who gets it',
  params: ofProject.extend({ secretId }),
  body: change,
  response: secret,
  errors: ['conflict'],
})

export const deleteProjectSecret = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/projects/:projectId/secrets/:secretId',
  permission: 'project:write',
  summary: 'Remove a secret of the project',
  params: ofProject.extend({ secretId }),
})
