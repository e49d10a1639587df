import { expect, test } from 'vitest'
import { type Gauge, levelAfter, reasonFor } from './levels.ts'

const of = (free: number): Gauge => ({ what: 'memory', of: 'this machine', free, total: 1000, reserve: 100 })
/** The levels that these looks lead through. */
const through = (...free: number[]): number[] => {
  let level = 0
  return free.map((one) => {
    level = levelAfter(of(one), level)
    return level
  })
}

test('a level rises by one at a look, however short things are, so that cheap ways are tried first', () => {
  expect(through(500, 99, 10, 10, 10, 10)).toEqual([0, 1, 2, 3, 4, 4])
  expect(through(60, 60, 60)).toEqual([1, 2, 2])
})

test('at the border of a level nothing goes to and fro', () => {
  expect(through(99, 101, 99, 124, 99)).toEqual([1, 1, 1, 1, 1])
  expect(through(99, 126, 101)).toEqual([1, 0, 0])
})

test('with room again all levels end at once, and with some of it those that it ends', () => {
  expect(through(10, 10, 10, 10, 500)).toEqual([1, 2, 3, 4, 0])
  expect(through(10, 10, 10, 10, 70)).toEqual([1, 2, 3, 4, 2])
})

test('a reserve of nothing is never short', () => {
  expect(levelAfter({ ...of(0), reserve: 0 }, 0)).toBe(0)
})

test('the reason says what is short, what is done and the way out', () => {
  const gauge: Gauge = { what: 'disk', of: '/var/lib/docker', free: 2 * 1024 ** 3, total: 100 * 1024 ** 3, reserve: 0 }
  expect(reasonFor(gauge, 'evict')).toBe(
    'The disk of /var/lib/docker is nearly full: 2.0 GiB of 100.0 GiB are left. Nothing new is started here, and caches are given up. Free space, for example with "docker system prune", or give it a larger disk.',
  )
})
