import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { roles } from './permissions.ts'

/** `organisation`: everybody of the organisation sees it, with their role there. `private`: owners, administrators and who has a grant. */
export const visibilities = ['organisation', 'private'] as const
export const visibility = z.enum(visibilities)
export type Visibility = z.infer<typeof visibility>

/** What a grant gives on a project; ownership is the organisation's alone. */
export const grantRoles = ['admin', 'member', 'reviewer', 'viewer'] as const satisfies readonly (typeof roles)[number][]

export const grant = z.object({
  grantee: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('person'), id: idSchema('user'), name: z.string() }),
    z.object({ kind: z.literal('team'), id: idSchema('team'), name: z.string() }),
  ]),
  role: z.enum(grantRoles),
})
export type Grant = z.infer<typeof grant>

const params = z.object({ projectId: idSchema('project') })
const granteeId = z.union([idSchema('user'), idSchema('team')])

export const listProjectMembers = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/members',
  permission: 'project:read',
  summary: 'Who may see the project, with which role, and why',
  params,
  response: z.object({
    visibility,
    grants: z.array(grant),
    /** Everybody who sees the project, with the role that counts there. */
    people: z.array(z.object({ id: idSchema('user'), name: z.string(), email: z.string(), role: z.enum(roles) })),
  }),
})

export const setProjectMember = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/projects/:projectId/members/:granteeId',
  permission: 'project:write',
  summary: 'Grant a person or a team a role on the project, or change it',
  params: params.extend({ granteeId }),
  body: z.object({ role: z.enum(grantRoles) }),
  response: grant,
})

export const removeProjectMember = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/projects/:projectId/members/:granteeId',
  permission: 'project:write',
  summary: 'Take a grant back; what the role in the organisation gives stays',
  params: params.extend({ granteeId }),
})

export const setProjectVisibility = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/projects/:projectId/visibility',
  permission: 'project:write',
  summary: 'Open the project to the organisation, or close it to all but those with a grant',
  params,
  body: z.object({ visibility }),
})

export const getOwnRole = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/role',
  permission: 'project:read',
  summary: 'The caller’s own role on the project, with all grants counted',
  params,
  response: z.object({ role: z.enum(roles) }),
})
