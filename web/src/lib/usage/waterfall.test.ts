import type { ModelCall } from '@helix/contract/usage'
import { expect, test } from 'vitest'
import { burstsOf } from './waterfall.ts'

const start = Date.parse('2026-01-01T00:00:00.000Z')
const call = (id: string, atMs: number, durationMs: number, firstByteMs: number | null): ModelCall => ({
  ...{
    id,
    startedAt: new Date(start + atMs).toISOString(),
    durationMs,
    firstByteMs,
    operation: 'converse',
    provider: 'p',
    askedModel: 'm',
    model: 'm',
  },
  ...{ status: 200, streamed: true, attempts: 1, step: null, promptId: null, inputTokens: 1, cachedTokens: 0, outputTokens: 1 },
  ...{ reasoningTokens: 0, estimated: false, microUsd: 1, requestId: null },
})

test('calls of one burst share its axis, from the first start to the last end', () => {
  const [burst] = burstsOf([call('b', 2000, 2000, 500), call('a', 0, 1000, 400)])
  expect(burst?.bars.map(({ call: { id }, left, waited, answered }) => [id, left, waited, answered])).toEqual([
    ['a', 0, 10, 15],
    ['b', 50, 12.5, 37.5],
  ])
})

test('a pause of more than a minute begins another burst and is said', () => {
  const bursts = burstsOf([call('b', 100_000, 1000, null), call('a', 0, 1000, 2000)])
  expect(bursts.map(({ pauseMs }) => pauseMs)).toEqual([null, 99_000])
  expect(bursts[0]?.bars[0]).toMatchObject({ waited: 100, answered: 0 })
})

test('a long call that others began and ended in keeps the burst together', () => {
  expect(burstsOf([call('c', 110_000, 10, 1), call('b', 1000, 10, 1), call('a', 0, 120_000, 1)])).toHaveLength(1)
})
