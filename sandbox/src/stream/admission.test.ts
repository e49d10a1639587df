import { expect, test } from 'vitest'
import { Admission } from './admission.ts'
import { KeyRequests } from './key-requests.ts'

test('an address that tries five hundred times a second gets twenty a second, and others are not touched', () => {
  const admission = new Admission()
  let admitted = 0
  for (let ms = 0; ms < 10_000; ms += 2) admitted += admission.admits('10.0.0.1', ms) ? 1 : 0
  expect(admitted).toBeGreaterThan(200)
  expect(admitted).toBeLessThan(270)
  expect(admission.admits('10.0.0.2', 10_000)).toBe(true)
})

test('addresses of one IPv6 network count as one, and the same IPv4 address in both writings', () => {
  const admission = new Admission()
  for (let index = 0; index < 60; index += 1) admission.admits(`2001:db8:1:2::${index}`, 0)
  expect([admission.admits('2001:db8:1:2::ffff', 0), admission.admits('2001:db8:1:3::1', 0)]).toEqual([false, true])
  for (let index = 0; index < 60; index += 1) admission.admits('::ffff:10.0.0.1', 0)
  expect(admission.admits('10.0.0.1', 0)).toBe(false)
})

test('requests for a key frame become one until it came, and one after it', () => {
  const asked: number[] = []
  let now = 0
  const keys = new KeyRequests(() => asked.push(now))
  for (; now < 300; now += 10) keys.request(now)
  expect(asked).toEqual([0])
  keys.came(300)
  now = 600
  keys.request(now)
  expect(asked).toEqual([0, 600])
  // One that does not come is asked for again.
  for (; now < 1700; now += 10) keys.request(now)
  expect(asked).toEqual([0, 600, 1600])
  keys.close()
})
