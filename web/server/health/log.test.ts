import { expect, test } from 'vitest'
import { within } from './deadline.ts'
import { HealthLog } from './log.ts'

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second))

test('since when a part is as it is stays until it changes, and its last error outlives it', () => {
  const log = new HealthLog()
  log.record('temporal', { state: 'ok', text: 'well' }, 1, at(0))
  expect(log.record('temporal', { state: 'ok', text: 'well' }, 1, at(10))).toMatchObject({ since: at(0).toISOString(), lastError: null })
  log.record('temporal', { state: 'down', text: 'away', error: 'refused' }, 1, at(20))
  const still = log.record('temporal', { state: 'down', text: 'away', error: 'no answer' }, 1, at(30))
  expect(still).toMatchObject({ since: at(20).toISOString(), lastError: { text: 'no answer', at: at(30).toISOString() } })
  const well = log.record('temporal', { state: 'ok', text: 'well' }, 1, at(40))
  expect(well).toMatchObject({ since: at(40).toISOString(), lastError: { text: 'no answer', at: at(30).toISOString() } })
})

test('work that never ends is given up at its deadline', async () => {
  await expect(within(10, new Promise(() => undefined))).rejects.toThrow('no answer within')
  await expect(within(1000, Promise.resolve(7))).resolves.toBe(7)
})
