/** The one table of who may do what. Roles hold in an organisation, and may be raised on a project by a grant to a person or a team. */
export const roles = ['owner', 'admin', 'member', 'reviewer', 'viewer'] as const
export type Role = (typeof roles)[number]

const viewer = ['project:read', 'task:read', 'repository:read', 'host:read', 'organisation:read', 'account:self'] as const
const reviewer = [...viewer, 'task:comment', 'task:review'] as const
const member = [...reviewer, 'task:write', 'repository:write'] as const
const admin = [...member, 'project:write', 'organisation:write', 'audit:read'] as const
/** Ownership itself: only an owner makes, changes and removes owners, and ends an organisation. */
const owner = [...admin, 'organisation:own'] as const

export type OrgPermission = (typeof owner)[number]

/**
 * What an endpoint asks of its caller. `public`: nobody is asked. `worker`: a process with that service token; `runner`: a sandbox host
 * with its own credential, for the host that the path names; `enrolment`: with the shared runner token.
 * All others are granted to people and API keys by role.
 */
export type Permission = OrgPermission | 'public' | 'worker' | 'runner' | 'enrolment'

/** All that a role may grant, for scopes of API keys. */
export const orgPermissions = owner

const granted: Record<Role, readonly OrgPermission[]> = { owner, admin, member, reviewer, viewer }

export function roleGrants(role: Role, permission: OrgPermission): boolean {
  return granted[role].includes(permission)
}

/** The weakest role that may do it, for telling a person what to ask for. */
export function roleNeededFor(permission: OrgPermission): Role {
  return roles.toReversed().find((role) => roleGrants(role, permission)) ?? 'owner'
}

/** Null counts as no role at all. */
export function strongerRole(one: Role | null, other: Role | null): Role | null {
  if (one === null || other === null) return one ?? other
  return roles.indexOf(one) <= roles.indexOf(other) ? one : other
}
