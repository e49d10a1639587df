import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { principal } from './identity.ts'
import { email, line, timestamp } from './text.ts'

const done = z.object({})

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
