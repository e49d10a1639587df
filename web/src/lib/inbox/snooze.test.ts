import { expect, test } from 'vitest'
import { snoozeChoices } from './snooze.ts'

const parts = (date: Date | undefined) => [date?.getDay(), date?.getHours(), date?.getMinutes()]

test('a week ends on Sunday: next week is the Monday after, at nine', () => {
  for (let day = 0; day < 7; day++) {
    const now = new Date(2026, 1, 22 + day, 23, 30)
    const [hour, tomorrow, week] = snoozeChoices(now)
    expect(hour?.until.getTime()).toBe(now.getTime() + 3_600_000)
    expect(parts(tomorrow?.until)).toEqual([(now.getDay() + 1) % 7, 9, 0])
    expect(parts(week?.until)).toEqual([1, 9, 0])
    const days = ((week?.until.getTime() ?? 0) - now.getTime()) / 86_400_000
    expect(days).toBeGreaterThan(0)
    expect(days).toBeLessThan(7)
  }
})
