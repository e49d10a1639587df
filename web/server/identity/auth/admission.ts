import { type Role, roles } from '@helix/contract/permissions'
import type { Connection } from '../connections/store.ts'
import type { Claims } from './claims.ts'

/** What the person's groups give; null: only who belongs to the organisation already comes in. */
export function roleOf(connection: Connection, said: Claims): Role | null {
  const mapped = said.groups(connection.groupClaim).flatMap((group) => connection.groupRoles[group] ?? [])
  return roles.find((role) => mapped.includes(role)) ?? connection.defaultRole
}

/** Why somebody with this address does not come in by this connection; null when they may. */
export function refusalOf(connection: Pick<Connection, 'allowedDomains'>, email: unknown): 'address' | 'domain' | null {
  if (typeof email !== 'string') return 'address'
  const domain = email.split('@').at(-1)?.toLowerCase() ?? ''
  const { allowedDomains } = connection
  return allowedDomains.length > 0 && !allowedDomains.some((one) => one.toLowerCase() === domain) ? 'domain' : null
}

/**
 * Has the provider itself said that the address is this person's? Silence is no: several providers let their people write any address into their
 * profile and leave the claim out. Source: OpenID Connect Core 1.0, section 5.7.
 */
export function vouchedFor(profile: Record<string, unknown>): boolean {
  return profile.email_verified === true || profile.email_verified === 'true'
}
