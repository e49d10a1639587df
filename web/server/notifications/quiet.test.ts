import { expect, test } from 'vitest'
import { quietUntil } from './quiet.ts'

const night = { from: 22 * 60, to: 7 * 60 }
const until = (now: string, hours: { from: number; to: number } | null, zone: string): string | null =>
  quietUntil(new Date(now), hours, zone)?.toISOString() ?? null

test('quiet hours are those of the person’s own clock', () => {
  expect(until('2026-03-10T22:30:00Z', night, 'UTC')).toBe('2026-03-11T07:00:00.000Z')
  expect(until('2026-03-10T22:30:00Z', night, 'America/New_York')).toBeNull()
  expect(until('2026-03-10T22:30:00Z', night, 'Asia/Kolkata')).toBe('2026-03-11T01:30:00.000Z')
  expect(until('2026-03-10T06:59:59Z', night, 'UTC')).toBe('2026-03-10T07:00:00.000Z')
  expect(until('2026-03-10T07:00:00Z', night, 'UTC')).toBeNull()
})

test('hours within one day, and none', () => {
  const lunch = { from: 12 * 60, to: 13 * 60 }
  expect(until('2026-03-10T12:00:00Z', lunch, 'UTC')).toBe('2026-03-10T13:00:00.000Z')
  expect(until('2026-03-10T11:59:00Z', lunch, 'UTC')).toBeNull()
  expect(until('2026-03-10T23:00:00Z', null, 'UTC')).toBeNull()
})

test('the night in which clocks go forward ends at seven on the clock, an hour earlier in truth', () => {
  // Berlin: 29 March 2026, 02:00 becomes 03:00.
  expect(until('2026-03-28T22:00:00Z', night, 'Europe/Berlin')).toBe('2026-03-29T05:00:00.000Z')
  expect(until('2026-03-27T22:00:00Z', night, 'Europe/Berlin')).toBe('2026-03-28T06:00:00.000Z')
})

test('the night in which clocks go back ends at seven on the clock, an hour later in truth', () => {
  // New York: 1 November 2026, 02:00 becomes 01:00.
  expect(until('2026-11-01T03:00:00Z', night, 'America/New_York')).toBe('2026-11-01T12:00:00.000Z')
})

test('an end that the clock leaves out is as far behind the change as it would have been', () => {
  const odd = { from: 60, to: 150 }
  expect(until('2026-03-29T00:30:00Z', odd, 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z')
})

test('an end that comes twice is the next of the two', () => {
  const odd = { from: 0, to: 90 }
  expect(until('2026-11-01T04:30:00Z', odd, 'America/New_York')).toBe('2026-11-01T05:30:00.000Z')
  expect(until('2026-11-01T06:10:00Z', odd, 'America/New_York')).toBe('2026-11-01T06:30:00.000Z')
})

test('the end is always ahead, by ten hours at most for a night of nine', () => {
  for (const zone of ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia'])
    for (let hour = 0; hour < 24 * 366; hour += 5) {
      const now = new Date(Date.UTC(2026, 0, 1, hour, 17))
      const end = quietUntil(now, night, zone)
      if (end === null) continue
      expect(end.getTime()).toBeGreaterThan(now.getTime())
      expect(end.getTime() - now.getTime()).toBeLessThanOrEqual(10 * 3_600_000)
    }
})
