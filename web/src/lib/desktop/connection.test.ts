import { expect, test } from 'vitest'
import { pauseMs } from './backoff.ts'
import { Clock } from './clock.ts'
import { textMessages } from './texts.ts'
import { Measures } from './worker/measures.ts'

test('pauses double up to a limit and are spread', () => {
  expect([0, 1, 2, 3].map((attempt) => pauseMs(attempt, 1))).toEqual([500, 1000, 2000, 4000])
  expect(pauseMs(500, 1)).toBe(15_000)
  expect(pauseMs(2, 0)).toBe(1000)
})

test('the quickest ping tells how far the host’s clock is ahead', () => {
  const clock = new Clock()
  expect(clock.sinceUs(0, 0)).toBeNull()
  clock.take({ clientUs: 1000, serverUs: 501_000 }, 9000)
  clock.take({ clientUs: 10_000, serverUs: 511_000 }, 12_000)
  expect(clock.rttUs).toBe(2000)
  // Half way, at 11,000 here, it was 511,000 there.
  expect(clock.sinceUs(520_000, 25_000)).toBe(5000)
})

test('long text goes in several messages, and no character is cut', () => {
  const text = `${'ä'.repeat(3000)}😀`
  const messages = textMessages(text)
  expect(messages.map(({ byteLength }) => byteLength)).toEqual([4098, 1910])
  const whole = messages.map((message) => new TextDecoder('utf-8', { fatal: true }).decode(message.subarray(2))).join('')
  expect(whole).toBe(text)
  expect(textMessages('')).toEqual([])
})

test('figures are those of the time since the last, drops those of the whole connection', () => {
  const measures = new Measures()
  measures.take(1000, null, false)
  for (let frame = 0; frame < 30; frame++) {
    measures.arrived(1000)
    measures.decoded(frame, true)
    measures.painted(frame + 5)
  }
  measures.decoded(0, false)
  expect(measures.take(1500, 4, true)).toEqual({
    fps: 60,
    kbps: 480,
    decodeMs: 15,
    glassMs: 20,
    rttMs: 4,
    dropped: 1,
    decoderErrors: 0,
    refused: 0,
    hardware: true,
  })
  expect(measures.take(2500, null, true)).toMatchObject({ fps: 0, kbps: 0, decodeMs: null, glassMs: null, dropped: 1 })
})
