import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'

const ofHost = z.object({ hostId: idSchema('host') })

export const revokeHost = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/hosts/:hostId/credential',
  permission: 'organisation:write',
  summary: 'Shut a sandbox host out: its link is cut and its sessions go on elsewhere. For administrators of the first organisation',
  params: ofHost,
})

export const askRotation = defineEndpoint({
  method: 'POST',
  path: '/api/v1/hosts/:hostId/rotation',
  permission: 'organisation:write',
  summary: 'Have a sandbox host replace its credential as soon as it is linked. For administrators of the first organisation',
  params: ofHost,
  errors: ['conflict'],
})

export const allowEnrolment = defineEndpoint({
  method: 'POST',
  path: '/api/v1/hosts/:hostId/enrolment',
  permission: 'organisation:write',
  summary: 'Let a host that lost its credential enrol once more, within 15 minutes. For administrators of the first organisation',
  params: ofHost,
})
