import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Metered } from '../ports/meter.ts'
import { BufferedMeter } from './meter.ts'

const log = pino({ level: 'silent' })
const call = (requestId: string) => ({ requestId }) as Metered
const settings = { everyMs: 10, againMs: 10, batch: 3, full: 5 }

test('calls are written in batches, in order, and once', async () => {
  const batches: string[][] = []
  const meter = new BufferedMeter(async (calls) => void batches.push(calls.map(({ requestId }) => requestId)), log, settings)
  for (let at = 0; at < 8; at++) meter.record(call(String(at)))
  await meter[Symbol.asyncDispose]()
  expect(batches.flat()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
  expect(Math.max(...batches.map((batch) => batch.length))).toBe(3)
})

test('while the database is away rows are kept, then calls are refused, and none is lost when it is back', async () => {
  let away = true
  const written: string[] = []
  const write = async (calls: readonly Metered[]): Promise<void> => {
    if (away) throw new Error('away')
    written.push(...calls.map(({ requestId }) => requestId))
  }
  const meter = new BufferedMeter(write, log, settings)
  const places = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, leave: meter.admit() }))
  expect(() => meter.admit()).toThrow('none is made that cannot be counted')
  for (const { id, leave } of places) {
    meter.record(call(id))
    leave()
    leave()
  }
  await meter.flush()
  expect(() => meter.admit()).toThrow('none is made that cannot be counted')
  expect(meter.behind).toBe(5)
  away = false
  await meter.flush()
  expect(written).toEqual(['a', 'b', 'c', 'd', 'e'])
  meter.admit()()
  await meter[Symbol.asyncDispose]()
})
