import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Evictables } from './evictables.ts'
import type { Gauge } from './levels.ts'
import { Pressure } from './pressure.ts'

/** A machine whose memory is what the test says, with caches and sessions in numbers. */
function world({ caches = [] as number[], idle = 0, busy = 0 } = {}) {
  const seen = { free: 500, did: [] as string[], told: 0 }
  const log = pino({ level: 'silent' })
  const evictables = new Evictables(log)
  evictables.register(
    { name: 'what cannot be given up', evict: () => Promise.reject(new Error('no')) },
    { name: 'warm machines', evict: async () => caches.shift() ?? 0 },
  )
  const left = { idle, busy }
  const take = (what: 'idle' | 'busy') => async () => {
    if (left[what] === 0) return false
    left[what]--
    seen.did.push(what)
    return true
  }
  const pressure = new Pressure({
    measure: async (): Promise<Gauge[]> => [{ what: 'memory', of: 'this machine', free: seen.free, total: 1000, reserve: 100 }],
    evictables,
    relief: { suspendIdle: take('idle'), suspendLargest: take('busy') },
    log,
    changed: () => seen.told++,
  })
  let now = Date.now()
  const looks = async (count: number, afterMs = 10_000) => {
    for (let look = 0; look < count; look++) {
      now += afterMs
      await pressure.look(now)
    }
  }
  return { pressure, seen, looks }
}

test('with room nothing is refused and nothing is told', async () => {
  const { pressure, seen, looks } = world({ idle: 1 })
  await looks(3)
  expect([pressure.problem, pressure.state, pressure.events.length, seen.told]).toEqual([null, null, 0, 0])
  expect(pressure.checks.map(({ name, state }) => [name, state])).toEqual([
    ['disk', 'unknown'],
    ['memory', 'ok'],
  ])
})

test('what is short is refused first, then given up, and only then are idle sessions and at last the largest suspended', async () => {
  const { pressure, seen, looks } = world({ caches: [5], idle: 1, busy: 2 })
  seen.free = 10
  await looks(1)
  expect(pressure.state).toMatchObject({ level: 'refuse', reason: expect.stringContaining('Nothing new is started here') })
  expect(pressure.checks.find(({ name }) => name === 'memory')?.state).toBe('failed')
  await looks(1)
  expect([pressure.state?.level, seen.did]).toEqual(['evict', []])
  await looks(1)
  expect([pressure.state?.level, seen.did]).toEqual(['suspend', ['idle']])
  await looks(2)
  expect([pressure.state?.level, seen.did]).toEqual(['largest', ['idle', 'busy', 'busy']])
  seen.free = 500
  await looks(1)
  expect([pressure.state, pressure.problem]).toEqual([null, null])
  const texts = pressure.events.map(({ text }) => text)
  expect(texts.filter((text) => text.startsWith('The memory of this machine runs out'))).toHaveLength(4)
  expect(texts).toContain('Given up for room: warm machines, 0 MiB.')
  expect(texts.at(-1)).toContain('There is room again')
})

test('who works is left alone below the last level, and what a suspension gave is waited for', async () => {
  const { seen, looks } = world({ idle: 2, busy: 1 })
  seen.free = 40
  await looks(3)
  expect(seen.did).toEqual(['idle'])
  await looks(1, 1000)
  expect(seen.did).toEqual(['idle'])
  await looks(5)
  expect(seen.did).toEqual(['idle', 'idle'])
})

test('the sentence of a level stays as it is while the figures move', async () => {
  const { pressure, seen, looks } = world()
  seen.free = 90
  await looks(1)
  const { problem } = pressure
  seen.free = 85
  await looks(1)
  expect([pressure.problem, seen.told]).toEqual([problem, 1])
})
