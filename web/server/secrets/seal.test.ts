import { expect, test } from 'vitest'
import { seal, sealingKeysOf, unseal } from './seal.ts'

const keys = sealingKeysOf('a'.repeat(32))
const place = { orgId: 'org_1', table: 'secrets', column: 'value', row: 'sec_1' }

test('what was sealed opens at its own place only', () => {
  const sealed = seal(keys, place, 'grüße')
  expect(sealed).not.toContain('grüße')
  expect(unseal(keys, place, sealed)).toBe('grüße')
  expect(() => unseal(keys, { ...place, orgId: 'org_2' }, sealed)).toThrow()
  expect(() => unseal(keys, { ...place, row: 'sec_2' }, sealed)).toThrow()
})

test('a changed value does not open', () => {
  const sealed = seal(keys, place, 'secret')
  const last = sealed.at(-1) === 'A' ? 'B' : 'A'
  expect(() => unseal(keys, place, sealed.slice(0, -3) + last + sealed.slice(-2))).toThrow()
})

test('an older key still opens after rotation, and the newer one seals', () => {
  const old = sealingKeysOf(`k1:${'a'.repeat(32)}`)
  const rotated = sealingKeysOf(`k2:${'b'.repeat(32)},k1:${'a'.repeat(32)}`)
  expect(unseal(rotated, place, seal(old, place, 'x'))).toBe('x')
  expect(seal(rotated, place, 'x')).toMatch(/^v1:k2:/)
  expect(() => unseal(old, place, seal(rotated, place, 'x'))).toThrow(/not configured/)
})
