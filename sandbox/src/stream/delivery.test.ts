import { expect, test } from 'vitest'
import { Delivery } from './delivery.ts'

function open(line = { baseMs: 10, bearsKbps: 10_000 }) {
  const sent: number[] = []
  const asked: number[] = []
  let now = 0
  const delivery = new Delivery({ send: ({ sequence }) => sent.push(sequence), askKey: () => asked.push(now), line: () => line })
  const offer = (sequence: number, key = false, bytes = 1000) => delivery.offer(now, { sequence, key, bytes: new Uint8Array(bytes) })
  return { delivery, sent, asked, offer, pass: (ms: number) => (now += ms), at: () => now }
}

test('nothing is sent before a key frame, and then everything that is acknowledged in time', () => {
  const { delivery, sent, offer, pass, at } = open()
  offer(1)
  for (let sequence = 2; sequence < 100; sequence += 1) {
    offer(sequence, sequence === 2)
    pass(16)
    expect(delivery.acknowledged(at(), sequence)).toEqual({ delayMs: 16, bytes: 1000 })
  }
  expect(sent).toEqual(Array.from({ length: 98 }, (_, index) => index + 2))
  expect(delivery.dropped).toBe(1)
})

test('who stops acknowledging gets some frames and then none, and goes on with a key frame it asks for when it takes something', () => {
  const { delivery, sent, asked, offer, pass, at } = open()
  offer(1, true)
  for (let sequence = 2; sequence < 200; sequence += 1) {
    pass(16)
    offer(sequence)
  }
  const last = sent.at(-1) ?? 0
  expect(last).toBeLessThan(12)
  expect(delivery.isOpen(at())).toBe(false)
  expect(delivery.silentMs(at())).toBeGreaterThan(2000)
  expect(asked).toEqual([])
  delivery.acknowledged(at(), last)
  expect(asked).toEqual([at()])
  offer(200)
  offer(201, true)
  offer(202)
  expect(sent.slice(-2)).toEqual([201, 202])
})

test('who falls behind again and again asks for key frames ever more seldom', () => {
  const { delivery, sent, asked, offer, pass, at } = open()
  for (let sequence = 1; sequence < 6000; sequence += 1) {
    pass(16)
    // A key frame comes whenever it was asked for, and what comes is acknowledged after half a second each.
    offer(sequence, sequence === 1 || asked.at(-1) === at() - 16)
    if (sequence % 30 === 0) delivery.acknowledged(at(), sent.at(-1) ?? 0)
    if (sequence % 6 === 0) delivery.look(at())
  }
  const pauses = asked.slice(1).map((moment, index) => moment - (asked[index] ?? 0))
  expect(Math.max(...pauses)).toBeGreaterThan(4000)
  expect(asked.length).toBeLessThan(40)
})

test('one large frame is no queue on a narrow line, and a megabyte on the way is enough', () => {
  const narrow = open({ baseMs: 10, bearsKbps: 1000 })
  narrow.offer(1, true, 100_000)
  narrow.pass(500)
  expect(narrow.delivery.isOpen(narrow.at())).toBe(true)
  narrow.pass(500)
  expect(narrow.delivery.isOpen(narrow.at())).toBe(false)
  const wide = open({ baseMs: 10, bearsKbps: 1e6 })
  wide.offer(1, true, 3_000_000)
  expect([wide.sent, wide.delivery.isOpen(wide.at())]).toEqual([[1], false])
})

test('a decoder that begins anew needs nothing of what is on its way', () => {
  const { delivery, sent, asked, offer, at } = open()
  offer(1, true)
  offer(2)
  delivery.restart(at())
  expect(delivery.queue).toBe(0)
  expect(asked).toEqual([0])
  expect(delivery.acknowledged(at(), 2)).toBeNull()
  offer(3)
  offer(4, true)
  expect(sent).toEqual([1, 2, 4])
})
