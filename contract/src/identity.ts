import { z } from 'zod'
import { defineEndpoint, page } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { orgPermissions, roles } from './permissions.ts'
import { email, line, password, timestamp } from './text.ts'

export const principal = z.object({
  user: z.object({ id: idSchema('user'), email, name: z.string() }),
  organisation: z.object({ id: idSchema('org'), slug: z.string(), name: z.string() }),
  role: z.enum(roles),
  /** How the caller proved who it is. */
  via: z.enum(['cookie', 'api_key']),
  hasPassword: z.boolean(),
})
export type PrincipalAnswer = z.infer<typeof principal>

export const signInWithLink = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sign-in/link',
  permission: 'public',
  summary: 'Sign in with the one-time link that the installation printed; sets the session cookie',
  body: z.object({ token: z.string().min(20).max(200) }),
  response: principal,
  errors: ['sign_in_failed', 'rate_limited'],
})

export const signOut = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sign-out',
  permission: 'account:self',
  summary: 'End the browser session',
})

export const getMe = defineEndpoint({
  method: 'GET',
  path: '/api/v1/me',
  permission: 'account:self',
  summary: 'Who the caller is',
  response: principal,
})

export const setPassword = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/me/password',
  permission: 'account:self',
  summary: 'Set or replace the own password; every other browser session ends',
  body: z.object({ current: z.string().max(200).optional(), next: password }),
  errors: ['sign_in_failed'],
})

export const apiKey = z.object({
  id: idSchema('apiKey'),
  name: z.string(),
  /** The first characters of the key, to recognise it by. */
  prefix: z.string(),
  /** What it is limited to; null: all that its owner's role grants. */
  scopes: z.array(z.enum(orgPermissions)).nullable(),
  expiresAt: timestamp.nullable(),
  createdAt: timestamp,
  lastUsedAt: timestamp.nullable(),
})
export type ApiKey = z.infer<typeof apiKey>

export const listApiKeys = defineEndpoint({
  method: 'GET',
  path: '/api/v1/api-keys',
  permission: 'account:self',
  summary: 'The own API keys of this organisation, or those of a service account',
  query: z.object({ userId: idSchema('user').optional() }),
  response: page(apiKey),
  errors: ['forbidden'],
})

export const createApiKey = defineEndpoint({
  method: 'POST',
  path: '/api/v1/api-keys',
  permission: 'account:self',
  summary: 'Create an API key; its secret is answered once and never again',
  body: z.object({
    name: line(80),
    scopes: z.array(z.enum(orgPermissions)).min(1).nullable().default(null),
    /** Units: days; null: it does not expire. */
    expiresInDays: z.number().int().min(1).max(3650).nullable().default(null),
    /** A service account of the organisation, for those who may change it; default: the caller. */
    userId: idSchema('user').optional(),
  }),
  response: apiKey.extend({ secret: z.string() }),
  errors: ['forbidden'],
})

export const revokeApiKey = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/api-keys/:apiKeyId',
  permission: 'account:self',
  summary: 'Revoke an own API key, or one of a service account',
  params: z.object({ apiKeyId: idSchema('apiKey') }),
})
