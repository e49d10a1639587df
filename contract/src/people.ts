import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { roles } from './permissions.ts'
import { line } from './text.ts'

const done = z.object({})
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
