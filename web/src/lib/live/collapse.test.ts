import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { collapse } from './collapse.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('the first wish is granted at once, a burst after it is one run, and a wish during a run is one more', async () => {
  let runs = 0
  let finish: () => void = () => {}
  const wish = collapse(() => {
    runs += 1
    return new Promise((resolve) => {
      finish = resolve
    })
  }, 100)
  wish()
  expect(runs).toBe(1)
  for (let index = 0; index < 5; index++) wish()
  await vi.advanceTimersByTimeAsync(1000)
  expect(runs).toBe(1)
  finish()
  await vi.advanceTimersByTimeAsync(99)
  expect(runs).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(runs).toBe(2)
  finish()
  await vi.advanceTimersByTimeAsync(1000)
  expect(runs).toBe(2)
})
