import { Delivery, type Outgoing } from './delivery.ts'
import { type Rate, RateController } from './rate.ts'

export interface LineShape {
  /** Units: kbit a second. */
  kbps: number
  /** Units: milliseconds, there and back. */
  rttMs: number
  /** How busy the screen is: what the encoder would send if it might. */
  wantsKbps: number
  /** Units: milliseconds that a frame's arrival varies by, at random. */
  jitterMs?: number
}

export interface Look {
  at: number
  rate: Rate
  /** Units: milliseconds from the encoder to the acknowledgement, of frames acknowledged since the last look. */
  delays: number[]
  jams: number
  keys: number
  dropped: number
}

/**
 * A paced encoder, one viewer and a line between them, in simulated time: frames queue at the line's rate and are acknowledged a round trip later. The
 * line may be another from some moment on.
 */
export function simulate(shapes: readonly { from: number; shape: LineShape }[], untilMs: number, random: () => number): Look[] {
  const rates = new RateController({ fps: 60, pixels: 1920 * 1080 })
  const looks: Look[] = []
  const acks: { at: number; sequence: number }[] = []
  let [now, freeAt, sequence, nextFrameAt, keys, wantsKey] = [0, 0, 0, 0, 0, true]
  let delays: number[] = []
  const madeAt = new Map<number, number>()
  const shapeAt = (at: number): LineShape => shapes.findLast(({ from }) => from <= at)?.shape ?? { kbps: 1, rttMs: 1, wantsKbps: 1 }
  const carry = ({ sequence: number, bytes }: Outgoing): void => {
    const { kbps, rttMs, jitterMs = 0 } = shapeAt(now)
    freeAt = Math.max(now, freeAt) + (bytes.byteLength * 8) / kbps
    acks.push({ at: freeAt + rttMs + random() * jitterMs + 3, sequence: number })
  }
  const delivery: Delivery = new Delivery({
    send: carry,
    askKey: () => {
      keys += 1
      wantsKey = true
    },
    line: () => rates,
  })
  const encode = (): void => {
    const { fps, scale, kbps } = rates.rate
    const { wantsKbps } = shapeAt(now)
    nextFrameAt = Math.max(nextFrameAt + 1000 / fps, now)
    const wanted = (Math.min(kbps, wantsKbps) * 1000) / 8 / fps
    const size = wantsKey ? 150_000 * (scale / 100) ** 2 : wanted * (0.7 + 0.6 * random())
    sequence += 1
    madeAt.set(sequence, now)
    delivery.offer(now, { key: wantsKey, sequence, bytes: new Uint8Array(Math.max(50, Math.round(size))) })
    wantsKey = false
  }
  for (; now < untilMs; now += 1) {
    // Jitter delays, and TCP keeps the order.
    while (acks[0] !== undefined && acks[0].at <= now) {
      const { sequence: number } = acks.shift() ?? { sequence: 0 }
      const sample = delivery.acknowledged(now, number)
      if (sample === null) continue
      rates.acknowledged(now, sample)
      delays.push(now - (madeAt.get(number) ?? now))
      madeAt.delete(number)
    }
    if (now % 100 === 0) delivery.look(now)
    if (now >= nextFrameAt && delivery.isOpen(now)) encode()
    if (now % 500 === 499) {
      looks.push({ at: now, rate: rates.rate, delays, jams: rates.jams, keys, dropped: delivery.dropped })
      delays = []
    }
  }
  return looks
}

/** Repeatable. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0
