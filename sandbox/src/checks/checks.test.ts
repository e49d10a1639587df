import { expect, test } from 'vitest'
import { clockCheck, skewOf } from './clock.ts'
import { trapOf } from './reach.ts'

const header = 'Wed, 25 Nov 2026 12:00:00 GMT'
const at = Date.parse(header)

test('a clock is only called wrong when the second and the way there cannot explain it', () => {
  expect(skewOf(header, at + 100, at + 200)).toBeCloseTo(0)
  expect(skewOf(header, at - 3000, at + 4000)).toBeCloseTo(0)
  expect(skewOf(header, at + 10_500, at + 10_500)).toBe(9500)
  expect(skewOf(header, at - 9500, at - 9500)).toBe(-9500)
  expect(skewOf('', at, at)).toBeNull()
})

test('seconds warn, a minute refuses, and the direction is told', () => {
  expect(clockCheck(4000).state).toBe('ok')
  expect(clockCheck(-7000)).toMatchObject({ state: 'warn', text: expect.stringContaining('7 s behind') })
  expect(clockCheck(61_000)).toMatchObject({ state: 'failed', text: expect.stringContaining('61 s ahead') })
  expect(clockCheck(null).state).toBe('unknown')
})

test('an address that means the session itself is explained without a try', () => {
  for (const url of ['http://localhost:8080', 'http://127.0.0.1:8080', 'http://[::1]:8080', 'http://helix.localhost'])
    expect(trapOf(url)).toMatchObject({ state: 'failed', text: expect.stringContaining('set HELIX_SESSION_URL') })
  expect(trapOf('http://localhost:9000')?.text).toContain('http://host.docker.internal:9000')
  for (const url of ['http://host.docker.internal:8080', 'https://helix.example.com', 'http://10.1.2.3']) expect(trapOf(url)).toBeNull()
})
