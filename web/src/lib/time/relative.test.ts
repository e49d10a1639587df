import { expect, test } from 'vitest'
import { duration, fileSize, relativeTime } from './relative.ts'

const now = new Date('2026-03-01T12:00:00Z')

test.each([
  [0, 'now'],
  [59, 'now'],
  [-30, 'now'],
  [60, '1 m ago'],
  [3599, '59 m ago'],
  [7200, '2 h ago'],
  [86_400 * 6, '6 d ago'],
  [86_400 * 8, '1 w ago'],
  [86_400 * 800, '2 y ago'],
])('%i seconds before is %j', (seconds, expected) => {
  expect(relativeTime(new Date(now.getTime() - seconds * 1000), now)).toBe(expected)
})

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [4210, '4.2 s'],
  [59_400, '59 s'],
  [190_000, '3 m 10 s'],
  [119_900, '1 m 59 s'],
  [7_500_000, '2 h 5 m'],
  [200_000_000, '2 d 7 h'],
])('%i ms is %j', (ms, expected) => {
  expect(duration(ms)).toBe(expected)
})

test('sizes have units', () => {
  expect([fileSize(0), fileSize(1023), fileSize(1536), fileSize(5 * 1024 * 1024)]).toEqual(['0 B', '1023 B', '1.5 KiB', '5.0 MiB'])
})
