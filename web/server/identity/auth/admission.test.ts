import { expect, test } from 'vitest'
import { refusalOf, roleOf, vouchedFor } from './admission.ts'
import { Claims } from './claims.ts'

const said = (claims: Record<string, unknown>): Claims => {
  const all = new Claims()
  all.set(claims)
  return all
}
const mapping = { groupClaim: 'groups', groupRoles: { leads: 'admin', staff: 'viewer' }, defaultRole: null } as never

test('an address is somebody’s only when the provider says so in as many words', () => {
  expect([true, 'true'].map((email_verified) => vouchedFor({ email_verified }))).toEqual([true, true])
  for (const claim of [undefined, null, false, 'false', 1, 'yes', {}]) expect(vouchedFor({ email_verified: claim })).toBe(false)
  expect(vouchedFor({})).toBe(false)
})

test('the domain is what stands after the last @, in any case', () => {
  const connection = { allowedDomains: ['Example.com'] }
  expect(refusalOf(connection, 'ada@EXAMPLE.com')).toBe(null)
  expect(refusalOf(connection, '"ada@example.com"@evil.org')).toBe('domain')
  expect(refusalOf(connection, 'ada@example.com.evil.org')).toBe('domain')
  expect(refusalOf(connection, undefined)).toBe('address')
  expect(refusalOf({ allowedDomains: [] }, 'ada@anywhere.org')).toBe(null)
})

test('of several groups the strongest role counts, and of none the default', () => {
  expect(roleOf(mapping, said({ groups: ['staff', 'leads', 'others'] }))).toBe('admin')
  expect(roleOf(mapping, said({ groups: 'staff' }))).toBe('viewer')
  expect(roleOf(mapping, said({ groups: ['others', 7, null] }))).toBe(null)
})
