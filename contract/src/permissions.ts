/** The one table of who may do what in an organisation. */
export const roles = ['owner', 'admin', 'member', 'reviewer', 'viewer'] as const
export type Role = (typeof roles)[number]

const viewer = ['project:read', 'task:read', 'repository:read', 'host:read', 'account:self'] as const
const reviewer = [...viewer, 'task:comment', 'task:review'] as const
const member = [...reviewer, 'task:write', 'repository:write'] as const
const admin = [...member, 'project:write', 'organisation:write'] as const

export type OrgPermission = (typeof admin)[number]

/**
 * What an endpoint asks of its caller. `public`: nobody is asked. `worker`, `runner`: a process with that service token.
 * All others are granted to people and API keys by role.
 */
export type Permission = OrgPermission | 'public' | 'worker' | 'runner'

const granted: Record<Role, readonly OrgPermission[]> = { owner: admin, admin, member, reviewer, viewer }

export function roleGrants(role: Role, permission: OrgPermission): boolean {
  return granted[role].includes(permission)
}
