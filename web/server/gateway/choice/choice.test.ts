import type { OrgId } from '@helix/contract/ids'
import { expect, test } from 'vitest'
import type { Candidate } from '../ports/candidate.ts'
import { Breaker } from './breaker.ts'
import { ordered } from './order.ts'
import { Turnstile } from './turnstile.ts'

const candidate = (id: string, more: Partial<Candidate> = {}): Candidate => ({
  providerId: id,
  provider: id,
  kind: 'openai',
  baseUrl: 'https://x/v1',
  key: { id: 'k', secret: '' },
  settings: {},
  model: 'm',
  speaks: ['chat'],
  price: null,
  maxOutputTokens: null,
  region: null,
  guarded: false,
  rank: 0,
  weight: 1,
  ...more,
})
const price = (input: number) => ({ input, output: input, cachedInput: null, cacheWrite: null, long: null })
const ids = (all: readonly Candidate[]): string => all.map(({ providerId }) => providerId).join('')

test('rank goes before every rule', () => {
  const all = [candidate('b', { rank: 1, price: price(1) }), candidate('a', { price: price(9) })]
  for (const rule of ['weight', 'latency', 'cost'] as const) expect(ids(ordered(all, rule, new Breaker()))).toBe('ab')
})

test('by weight each is first as often as its weight says', () => {
  const all = [candidate('a', { weight: 3 }), candidate('b')]
  let first = 0
  for (let draw = 0; draw < 4000; draw++) if (ids(ordered(all, 'weight', new Breaker())) === 'ab') first++
  expect(first / 4000).toBeGreaterThan(0.7)
  expect(first / 4000).toBeLessThan(0.8)
})

test('by cost the cheapest goes first, by latency the quickest, and who was never tried is tried', () => {
  const all = [candidate('a', { price: price(9) }), candidate('b', { price: price(1) }), candidate('c')]
  expect(ids(ordered(all, 'cost', new Breaker()))).toBe('bac')
  const breaker = new Breaker()
  breaker.good('a k', 50)
  breaker.good('b k', 90)
  expect(ids(ordered(all, 'latency', breaker))).toBe('cab')
})

test('a key that fails five times in a row is left alone, tried once after its rest, and longer each time', () => {
  let now = 0
  const breaker = new Breaker(() => now)
  for (let failure = 0; failure < 5; failure++) {
    expect(breaker.admits('a k')).toBe(true)
    breaker.failed('a k', 'away')
  }
  expect([breaker.admits('a k'), breaker.admits('b k')]).toEqual([false, true])
  now = 5000
  expect([breaker.admits('a k'), breaker.admits('a k')]).toEqual([true, false])
  breaker.failed('a k', 'away')
  now = 10_000
  expect(breaker.admits('a k')).toBe(false)
  now = 15_000
  expect(breaker.admits('a k')).toBe(true)
  breaker.gaveUp('a k')
  expect(breaker.admits('a k')).toBe(true)
  breaker.good('a k', 10)
  expect([breaker.admits('a k'), breaker.admits('a k')]).toEqual([true, true])
  expect(breaker.health()).toMatchObject([{ providerId: 'a', keyId: 'k', state: 'closed', failuresInARow: 0, reason: null }])
})

test('a refused key opens at once', () => {
  const breaker = new Breaker(() => 0)
  breaker.failed('a k', 'refused', true)
  expect(breaker.admits('a k')).toBe(false)
})

test('while a provider takes no more, calls go by turns of organisations, whoever sends most', async () => {
  const turnstile = new Turnstile()
  turnstile.close(30)
  const went: string[] = []
  const { signal } = new AbortController()
  const wait = async (org: string, name: string): Promise<void> => {
    await turnstile.pass(org as OrgId, signal)
    went.push(name)
    turnstile.taken()
  }
  await Promise.all([wait('a', 'a1'), wait('a', 'a2'), wait('a', 'a3'), wait('b', 'b1'), wait('c', 'c1'), wait('b', 'b2')])
  expect(went.slice(0, 3).toSorted()).toEqual(['a1', 'b1', 'c1'])
  expect(went).toHaveLength(6)
  expect(turnstile.pass('a' as OrgId, signal)).toBeUndefined()
})

test('who leaves is not waited for, and who would wait too long is told when to come again', async () => {
  const turnstile = new Turnstile()
  turnstile.close(15_000)
  const leave = new AbortController()
  const gone = turnstile.pass('a' as OrgId, leave.signal)
  leave.abort(new Error('left'))
  await expect(gone).rejects.toThrow('left')
  expect(turnstile.waiting).toBe(0)
  turnstile.close(60_000)
  expect(() => turnstile.pass('a' as OrgId, new AbortController().signal)).toThrow('takes no more calls now')
})
