import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { roles } from './permissions.ts'
import { domain, line } from './text.ts'

export const connectionKinds = ['oidc', 'github', 'gitlab'] as const

export const connection = z.object({
  id: idSchema('connection'),
  kind: z.enum(connectionKinds),
  name: z.string(),
  issuer: z.string(),
  clientId: z.string(),
  /** Only addresses of these domains come in; none: all. */
  allowedDomains: z.array(z.string()),
  /** The claim that names a person’s groups. */
  groupClaim: z.string(),
  groupRoles: z.record(z.string(), z.enum(roles)),
  /** For who is in no mapped group; null: such people do not come in unless they belong here already. */
  defaultRole: z.enum(roles).nullable(),
  enabled: z.boolean(),
  /** What to give the identity provider as redirect URI. */
  callbackUrl: z.string(),
})
export type Connection = z.infer<typeof connection>

const issuer = z.url('expected a URL').max(500)
const settings = z.object({
  name: line(60),
  issuer,
  clientId: line(300),
  clientSecret: line(2000),
  allowedDomains: z.array(domain).max(50).default([]),
  groupClaim: line(100).or(z.literal('')).default('groups'),
  groupRoles: z.record(line(200), z.enum(roles)).default({}),
  defaultRole: z.enum(roles).nullable().default('member'),
  enabled: z.boolean().default(true),
})

export const listConnections = defineEndpoint({
  method: 'GET',
  path: '/api/v1/connections',
  permission: 'organisation:write',
  summary: 'Connections to identity providers, without their secrets',
  response: z.object({ items: z.array(connection), nextCursor: z.null() }),
})

export const createConnection = defineEndpoint({
  method: 'POST',
  path: '/api/v1/connections',
  permission: 'organisation:write',
  summary: 'Connect an identity provider: any issuer of OpenID Connect, GitHub, or GitLab',
  body: settings.extend({ kind: z.enum(connectionKinds) }),
  response: connection,
  errors: ['provider_failed', 'forbidden'],
})

const ofConnection = z.object({ connectionId: idSchema('connection') })

export const updateConnection = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/connections/:connectionId',
  permission: 'organisation:write',
  summary: 'Change a connection; a secret that is not given stays',
  params: ofConnection,
  body: z.object({
    name: line(60).optional(),
    issuer: issuer.optional(),
    clientId: line(300).optional(),
    clientSecret: line(2000).optional(),
    allowedDomains: z.array(domain).max(50).optional(),
    groupClaim: line(100).or(z.literal('')).optional(),
    groupRoles: z.record(line(200), z.enum(roles)).optional(),
    defaultRole: z.enum(roles).nullable().optional(),
    enabled: z.boolean().optional(),
  }),
  response: connection,
  errors: ['provider_failed', 'forbidden'],
})

export const deleteConnection = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/connections/:connectionId',
  permission: 'organisation:write',
  summary: 'Remove a connection; nobody signs in by it any more',
  params: ofConnection,
})
