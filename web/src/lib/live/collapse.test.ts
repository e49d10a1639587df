import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { collapse } from './collapse.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a burst of wishes is one run, and a wish during a run is one more', async () => {
  let runs = 0
  let finish: () => void = () => {}
  const wish = collapse(() => {
    runs += 1
    return new Promise((resolve) => {
      finish = resolve
    })
  }, 100)
  for (let index = 0; index < 5; index++) wish()
  await vi.advanceTimersByTimeAsync(100)
  expect(runs).toBe(1)
  wish()
  wish()
  await vi.advanceTimersByTimeAsync(1000)
  expect(runs).toBe(1)
  finish()
  await vi.advanceTimersByTimeAsync(0)
  expect(runs).toBe(2)
  finish()
  await vi.advanceTimersByTimeAsync(1000)
  expect(runs).toBe(2)
})
