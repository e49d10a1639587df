import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { domain } from './text.ts'

export const registrations = ['open', 'invited', 'closed'] as const

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
