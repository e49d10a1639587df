import { z } from 'zod'
import { connectionKinds } from './connections.ts'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { registrations } from './registration.ts'
import { email, line, password } from './text.ts'

const token = z.string().min(10).max(2000)
const done = z.object({})

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
