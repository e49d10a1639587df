import { expect, test } from 'vitest'
import { RateController } from './rate.ts'
import { type LineShape, percentile, seeded, simulate } from './testing-line.ts'

const busy = 30_000
const steady = (shape: LineShape, seed: number) => simulate([{ from: 0, shape }], 60_000, seeded(seed)).filter(({ at }) => at > 10_000)

test.each([
  ['5 Mbit/s, 50 ms', { kbps: 5000, rttMs: 50, wantsKbps: busy }],
  ['5 Mbit/s, 50 ms, with jitter', { kbps: 5000, rttMs: 50, wantsKbps: busy, jitterMs: 15 }],
  ['1 Mbit/s, 100 ms', { kbps: 1000, rttMs: 100, wantsKbps: busy }],
  ['20 Mbit/s, 20 ms', { kbps: 20_000, rttMs: 20, wantsKbps: busy }],
])('on a line of %s it finds what the line bears and stays there', (_, shape) => {
  for (const seed of [1, 2, 3]) {
    const looks = steady(shape, seed)
    const kbps = looks.map(({ rate }) => rate.kbps)
    expect(Math.min(...kbps)).toBeGreaterThan(shape.kbps * 0.55)
    expect(Math.max(...kbps)).toBeLessThan(shape.kbps * 1.15)
    // No oscillation: few jams, and the same frame rate and scale throughout.
    expect((looks.at(-1)?.jams ?? 0) - (looks[0]?.jams ?? 0)).toBeLessThan(10)
    const steps = looks.map(({ rate }) => `${rate.fps}/${rate.scale}`)
    expect(steps.filter((step, index) => index > 0 && step !== steps[index - 1]).length).toBeLessThan(3)
    const delays = looks.flatMap((look) => look.delays)
    expect(percentile(delays, 0.95)).toBeLessThan(shape.rttMs + 110)
    expect(looks.at(-1)).toMatchObject({ dropped: 0, keys: 1 })
  }
})

test('a line that gets narrow is followed within two seconds, and one that gets wide again slowly', () => {
  const shape = { kbps: 20_000, rttMs: 20, wantsKbps: busy }
  const shapes = [
    { from: 0, shape },
    { from: 20_000, shape: { ...shape, kbps: 3000 } },
    { from: 40_000, shape },
  ]
  const looks = simulate(shapes, 90_000, seeded(5))
  const at = (ms: number) => looks.find((look) => look.at >= ms)
  expect(at(19_000)?.rate.kbps).toBeGreaterThan(12_000)
  expect(at(22_000)?.rate.kbps).toBeLessThan(3500)
  expect(
    percentile(
      looks.filter((look) => look.at > 23_000 && look.at < 40_000).flatMap(({ delays }) => delays),
      0.95,
    ),
  ).toBeLessThan(150)
  expect(at(42_000)?.rate.kbps).toBeLessThan(6000)
  expect(at(89_000)?.rate).toMatchObject({ fps: 60, scale: 100 })
  expect(at(89_000)?.rate.kbps).toBeGreaterThan(10_000)
})

test('a quiet screen learns nothing of its line and is not given more than at first', () => {
  const looks = simulate([{ from: 0, shape: { kbps: 500_000, rttMs: 1, wantsKbps: 100 } }], 60_000, seeded(1))
  expect(new Set(looks.map(({ rate }) => rate.kbps))).toEqual(new Set([8000]))
})

test('first the bitrate goes down, then the frame rate, then the scale, and a preset says what is kept', () => {
  const rates = new RateController({ fps: 60, pixels: 1920 * 1080 })
  const seen: string[] = []
  let now = 0
  for (let round = 0; round < 1500; round += 1) {
    now += 10
    // Every frame waits longer than the fastest did.
    rates.acknowledged(now, { delayMs: round < 20 ? 20 : 120, bytes: 400 })
    const { fps, scale } = rates.rate
    if (seen.at(-1) !== `${fps}/${scale}`) seen.push(`${fps}/${scale}`)
  }
  expect(seen[0]).toBe('60/100')
  expect(rates.rate).toEqual({ kbps: 300, fps: 15, scale: 50, crf: 23 })
  rates.preset = 'sharp'
  expect(rates.rate).toMatchObject({ fps: 15, scale: 100, crf: 18 })
  rates.preset = 'smooth'
  expect(rates.rate).toMatchObject({ fps: 30, scale: 50 })
  rates.preset = 'saver'
  expect(rates.rate.fps).toBe(8)
})
