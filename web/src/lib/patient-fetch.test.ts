import { expect, test } from 'vitest'
import { oncePatient } from './patient-fetch.ts'

/** Cuts the first `cuts` requests; answers with what was asked, too. */
function line(cuts: number): { ask: typeof fetch; asked: string[] } {
  const asked: string[] = []
  const ask = oncePatient(async (input, init) => {
    asked.push(`${init?.method ?? 'GET'} ${input}`)
    if (asked.length <= cuts) throw new TypeError('Failed to fetch')
    return new Response('answer')
  })
  return { ask, asked }
}

test('what is cut off is asked for once more', async () => {
  const { ask, asked } = line(1)
  expect(await (await ask('/a')).text()).toBe('answer')
  expect(asked).toEqual(['GET /a', 'GET /a'])
})

test('who does not answer twice does not answer', async () => {
  const { ask, asked } = line(2)
  await expect(ask('/a')).rejects.toThrow('Failed to fetch')
  expect(asked).toHaveLength(2)
})

test('a change is asked for twice only with a key that makes it one', async () => {
  const bare = line(1)
  await expect(bare.ask('/a', { method: 'POST' })).rejects.toThrow('Failed to fetch')
  expect(bare.asked).toHaveLength(1)
  const keyed = line(1)
  await keyed.ask('/a', { method: 'POST', headers: { 'idempotency-key': 'k' } })
  expect(keyed.asked).toHaveLength(2)
})

test('who stops waiting is not waited for', async () => {
  const stop = new AbortController()
  const asked: string[] = []
  const ask = oncePatient(async (input) => {
    asked.push(String(input))
    stop.abort()
    throw new TypeError('Failed to fetch')
  })
  await expect(ask('/a', { signal: stop.signal })).rejects.toThrow()
  expect(asked).toHaveLength(1)
})
