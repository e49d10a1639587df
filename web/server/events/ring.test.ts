import { expect, test } from 'vitest'
import { Ring } from './ring.ts'

const entry = (id: number) => ({ id, event: null, text: '' })
const ids = (ring: Ring, after: number): number[] => [...ring.after(after)].map(({ id }) => id)

test('a log that is shorter than the ring is there from its beginning', () => {
  const ring = new Ring(4, [entry(3), entry(5)])
  expect([ring.floor, ring.head, ids(ring, 0), ids(ring, 3), ids(ring, 4), ids(ring, 5)]).toEqual([0, 5, [3, 5], [5], [5], []])
})

test('of a longer one the end is there, and the ring says from where on', () => {
  const ring = new Ring(2, [entry(8), entry(9)])
  expect([ring.floor, ids(ring, 7)]).toEqual([7, [8, 9]])
})

test('it stays bounded, without gaps from its floor to its head', () => {
  const ring = new Ring(8, [])
  for (let id = 10; id <= 1000; id += 10) {
    ring.push(entry(id))
    const held = ids(ring, ring.floor)
    expect(held.length).toBeLessThanOrEqual(10)
    expect(held).toEqual(Array.from({ length: held.length }, (_, index) => id - 10 * (held.length - 1 - index)))
    expect([ring.head, ring.floor]).toEqual([id, (held[0] ?? 0) - 10])
  }
})
