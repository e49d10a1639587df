import { expect, test } from 'vitest'
import { sceneTime } from './probe.ts'

const codeOf = (ms: number): number => {
  const value = Math.floor(ms * 10) % 2 ** 24
  const check = [0, 6, 12, 18].reduce((sum, shift) => sum + ((value >> shift) & 63), 0) % 64
  return 2 ** 31 + value * 64 + check
}

test('a clock code is read back, also where it wraps', () => {
  const wrapMs = 2 ** 24 / 10
  for (const painted of [1_770_000_000_000.5, Math.ceil(1_770_000_000_000 / wrapMs) * wrapMs - 0.3])
    expect(sceneTime(codeOf(painted), painted + 40)).toBeCloseTo(painted, 0)
})

test('cells that are no code are told from one', () => {
  expect(sceneTime(0, 1000)).toBeNull()
  expect(sceneTime(codeOf(1_770_000_000_000) + 1, 1_770_000_000_000)).toBeNull()
})
