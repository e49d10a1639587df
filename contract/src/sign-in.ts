import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { principal } from './identity.ts'
import { idSchema } from './ids.ts'
import { roles } from './permissions.ts'
import { line, timestamp } from './text.ts'

const email = z.email('expected an e-mail address').max(320)
/** Units: characters. */
const password = z.string().min(12, 'use at least 12 characters').max(200)
const token = z.string().min(10).max(2000)
const done = z.object({})

export const connectionKinds = ['oidc', 'github', 'gitlab'] as const
export const registrations = ['open', 'invited', 'closed'] as const

export const getSignInOptions = defineEndpoint({
  method: 'GET',
  path: '/api/v1/sign-in/options',
  permission: 'public',
  summary: 'How one can sign in and sign up here',
  response: z.object({
    registration: z.enum(registrations),
    connections: z.array(z.object({ id: idSchema('connection'), name: z.string(), kind: z.enum(connectionKinds) })),
  }),
})

export const signInWithPassword = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sign-in/password',
  permission: 'public',
  summary: 'Sign in with e-mail and password; sets the session cookie, or asks for the second factor',
  body: z.object({ email, password: z.string().max(200) }),
  response: z.object({ secondFactor: z.boolean() }),
  errors: ['sign_in_failed', 'rate_limited'],
})

export const verifySecondFactor = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sign-in/second-factor',
  permission: 'public',
  summary: 'The second step: a code of the authenticator, or one of the backup codes',
  body: z.object({ code: line(20), kind: z.enum(['totp', 'backup']).default('totp') }),
  response: done,
  errors: ['sign_in_failed', 'rate_limited'],
})

export const startSingleSignOn = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sign-in/sso',
  permission: 'public',
  summary: 'Where to send the browser, to sign in at an identity provider',
  body: z.object({ connectionId: idSchema('connection'), next: line(2000).optional() }),
  response: z.object({ url: z.string() }),
  errors: ['rate_limited', 'provider_failed'],
})

export const signUp = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sign-up',
  permission: 'public',
  summary: 'Make an account, as far as registration allows; says the same whether the address has one already',
  body: z.object({ name: line(80), email, password, invitation: z.string().max(200).optional() }),
  response: z.object({ /** False: a mail with a link was sent. */ signedIn: z.boolean() }),
  errors: ['forbidden', 'rate_limited'],
})

export const verifyEmail = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sign-up/verify',
  permission: 'public',
  summary: 'Confirm an address with the link of the mail',
  body: z.object({ token }),
  response: done,
  errors: ['sign_in_failed', 'rate_limited'],
})

export const requestPasswordReset = defineEndpoint({
  method: 'POST',
  path: '/api/v1/password-reset',
  permission: 'public',
  summary: 'Ask for a mail with a link; says the same whether the address has an account',
  body: z.object({ email }),
  response: done,
  errors: ['rate_limited'],
})

export const resetPassword = defineEndpoint({
  method: 'POST',
  path: '/api/v1/password-reset/finish',
  permission: 'public',
  summary: 'Set a new password with the link of the mail; every session ends',
  body: z.object({ token, password }),
  response: done,
  errors: ['sign_in_failed', 'rate_limited'],
})

export const updateProfile = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/me',
  permission: 'account:self',
  summary: 'Change the own name or address; a new address asks for the password, and counts once its mail was opened',
  body: z.object({ name: line(80).optional(), email: email.optional(), password: z.string().max(200).optional() }),
  response: principal,
  errors: ['sign_in_failed', 'conflict', 'rate_limited'],
})

export const getSecurity = defineEndpoint({
  method: 'GET',
  path: '/api/v1/me/security',
  permission: 'account:self',
  summary: 'Second factor, passkeys and browser sessions of the own account',
  response: z.object({
    twoFactor: z.boolean(),
    passkeys: z.array(z.object({ id: z.string(), name: z.string(), createdAt: timestamp.nullable() })),
    sessions: z.array(
      z.object({
        id: z.string(),
        current: z.boolean(),
        address: z.string().nullable(),
        device: z.string(),
        createdAt: timestamp,
        lastSeenAt: timestamp,
      }),
    ),
  }),
})

export const enableTwoFactor = defineEndpoint({
  method: 'POST',
  path: '/api/v1/me/two-factor',
  permission: 'account:self',
  summary: 'Begin to use an authenticator; it counts once a code of it was confirmed',
  body: z.object({ password: z.string().max(200) }),
  response: z.object({ uri: z.string(), backupCodes: z.array(z.string()) }),
  errors: ['sign_in_failed', 'conflict', 'rate_limited'],
})

export const confirmTwoFactor = defineEndpoint({
  method: 'POST',
  path: '/api/v1/me/two-factor/confirm',
  permission: 'account:self',
  summary: 'Confirm the authenticator with one of its codes',
  body: z.object({ code: line(20) }),
  response: done,
  errors: ['sign_in_failed', 'rate_limited'],
})

export const disableTwoFactor = defineEndpoint({
  method: 'POST',
  path: '/api/v1/me/two-factor/disable',
  permission: 'account:self',
  summary: 'Use the password alone again',
  body: z.object({ password: z.string().max(200) }),
  response: done,
  errors: ['sign_in_failed', 'rate_limited'],
})

export const removePasskey = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/me/passkeys/:passkeyId',
  permission: 'account:self',
  summary: 'Remove an own passkey',
  params: z.object({ passkeyId: line(100) }),
})

export const revokeSession = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/me/sessions/:browserSessionId',
  permission: 'account:self',
  summary: 'End one of the own browser sessions',
  params: z.object({ browserSessionId: line(100) }),
})

export const revokeOtherSessions = defineEndpoint({
  method: 'POST',
  path: '/api/v1/me/sessions/revoke-others',
  permission: 'account:self',
  summary: 'End every own browser session but this one',
  response: z.object({ ended: z.number().int() }),
})

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

const domain = z.string().regex(/^[a-z0-9.-]+\.[a-z]{2,}$/i, 'expected a domain like example.com')
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

const registration = z.object({ registration: z.enum(registrations), allowedDomains: z.array(domain).max(50) })

export const getRegistration = defineEndpoint({
  method: 'GET',
  path: '/api/v1/registration',
  permission: 'organisation:write',
  summary: 'Who may make an account on this installation',
  response: registration.extend({ /** False: only administrators of the first organisation change it. */ mayChange: z.boolean() }),
})

export const updateRegistration = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/registration',
  permission: 'organisation:write',
  summary: 'Say who may make an account: anybody, who was invited, or nobody',
  body: registration,
  response: registration,
  errors: ['forbidden'],
})

const ofPerson = z.object({ userId: idSchema('user') })

export const deactivatePerson = defineEndpoint({
  method: 'POST',
  path: '/api/v1/people/:userId/deactivate',
  permission: 'organisation:write',
  summary: 'Take every right in this organisation from a person at once: sessions, keys, event streams and the tokens of running work',
  params: ofPerson,
  response: done,
  errors: ['forbidden', 'conflict'],
})

export const reactivatePerson = defineEndpoint({
  method: 'POST',
  path: '/api/v1/people/:userId/reactivate',
  permission: 'organisation:write',
  summary: 'Give a deactivated person the rights of their role again; keys stay revoked',
  params: ofPerson,
  response: done,
  errors: ['forbidden'],
})

export const createServiceAccount = defineEndpoint({
  method: 'POST',
  path: '/api/v1/service-accounts',
  permission: 'organisation:write',
  summary: 'Make an account for a program: it has a role and API keys, and cannot sign in',
  body: z.object({ name: line(80), role: z.enum(roles).default('member') }),
  response: z.object({ id: idSchema('user'), name: z.string() }),
  errors: ['forbidden'],
})
