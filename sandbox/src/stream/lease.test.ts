import { expect, test } from 'vitest'
import { Lease } from './lease.ts'

const by = (viewerId: string, userId = viewerId) => ({ viewerId, userId, name: viewerId, pausesAgent: false })

test('one drives; another takes over by force, or when the first did nothing for ten seconds', () => {
  const lease = new Lease()
  expect(lease.take(0, by('ada'), false)).toBe(true)
  expect(lease.take(9_000, by('grace'), false)).toBe(false)
  expect(lease.take(9_000, by('grace'), true)).toBe(true)
  expect([lease.holds('ada'), lease.holds('grace')]).toEqual([false, true])
  expect(lease.take(19_000, by('ada'), false)).toBe(true)
})

test('the same person in another window takes it at once', () => {
  const lease = new Lease()
  lease.take(0, by('one', 'ada'), false)
  expect(lease.take(1, by('two', 'ada'), false)).toBe(true)
  expect(lease.holds('one')).toBe(false)
})

test('it ends five minutes after the last input, and ten seconds after the connection', () => {
  const lease = new Lease()
  lease.take(0, by('ada'), false)
  lease.used(100_000)
  expect(lease.until).toBe(400_000)
  expect([lease.expire(399_999), lease.expire(400_000), lease.holder]).toEqual([false, true, null])
  lease.take(0, by('ada'), false)
  lease.left(1000, 'ada')
  expect([lease.holds('ada'), lease.expire(10_999), lease.expire(11_000)]).toEqual([false, false, true])
})

test('who comes back in time drives on, and nobody else in their place', () => {
  const lease = new Lease()
  lease.take(0, by('one', 'ada'), false)
  lease.left(1000, 'one')
  expect(lease.returns('x', 'grace')).toBe(false)
  expect(lease.returns('two', 'ada')).toBe(true)
  expect(lease.holds('two')).toBe(true)
  expect(lease.returns('three', 'ada')).toBe(false)
})

test('only who has it gives it', () => {
  const lease = new Lease()
  lease.take(0, by('ada'), false)
  expect([lease.give('grace'), lease.give('ada'), lease.give('ada')]).toEqual([false, true, false])
})
