import type { RecordingSegment } from '@helix/contract/recordings'
import { expect, test } from 'vitest'
import { chapterAt, clock, Timeline } from './timeline.ts'

const day = 1_800_000_000_000
const segment = (startMs: number, durationMs: number, stills: [number, number][] = []): RecordingSegment => ({
  id: startMs,
  startMs: day + startMs,
  durationMs,
  movingMs: durationMs - stills.reduce((sum, [, length]) => sum + length - 1000, 0),
  stills,
  width: 320,
  height: 180,
  bytes: 1,
})
const segments = [segment(0, 10_000, [[2000, 6000]]), segment(60_000, 5000)]

test('with stills kept the film runs with the clock', () => {
  const kept = new Timeline(segments, 'keep')
  expect(kept.durationMs).toBe(65_000)
  for (const at of [0, 3000, 61_000, 65_000]) {
    expect(kept.toFilm(day + at)).toBe(at)
    expect(kept.toDay(at)).toBe(day + at)
  }
  expect([kept.toFilm(day + 30_000), kept.toDay(30_000) - day]).toEqual([10_000, 30_000])
})

test('with stills skipped each is a second, and what lies between segments is nothing', () => {
  const skipped = new Timeline(segments, 'skip')
  expect(skipped.durationMs).toBe(10_000)
  const moments = [
    [1000, 1000],
    [5000, 2500],
    [8000, 3000],
    [9000, 4000],
    [60_000, 5000],
    [64_000, 9000],
  ] as const
  for (const [at, film] of moments) {
    expect(skipped.toFilm(day + at)).toBe(film)
    expect(skipped.toDay(film)).toBe(day + at)
  }
  expect(skipped.toFilm(day + 30_000)).toBe(5000)
})

test('before the first and after the last moment are the ends, and nothing is nowhere', () => {
  const kept = new Timeline(segments, 'keep')
  expect([kept.toFilm(day - 5000), kept.toFilm(day + 99_000)]).toEqual([0, 65_000])
  expect([new Timeline([], 'keep').toFilm(day), new Timeline([], 'skip').durationMs]).toEqual([0, 0])
})

test('a chapter lasts until the next', () => {
  const chapter = (atMs: number) => ({ sequence: atMs, kind: 'tool' as const, title: `${atMs}`, atMs })
  const chapters = [chapter(1000), chapter(2000)]
  expect([500, 1000, 1999, 5000].map((at) => chapterAt(chapters, at)?.title ?? null)).toEqual([null, '1000', '2000', '2000'])
})

test.each([
  [0, '0:00'],
  [61_500, '1:01'],
  [3_723_000, '1:02:03'],
])('%i ms is %s', (ms, text) => {
  expect(clock(ms)).toBe(text)
})
