import type { OrgId } from '@helix/contract/ids'
import { expect, test } from 'vitest'
import { Callers } from './callers.ts'
import type { Caller, NoCaller } from './store.ts'

const none = { projectId: null, taskId: null, sessionId: null, userId: null, keyPrefix: null }
const caller: Caller = { scope: { orgId: 'org_1' as OrgId, ...none }, turn: null }
const quick = { freshMs: 20, oldestMs: 40, unknownMs: 20, awayMs: 200, silentMs: 20 }
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function callersOf(answer: () => Promise<Caller | NoCaller>, lives = quick) {
  let asked = 0
  const ask = () => {
    asked++
    return answer()
  }
  const callers = new Callers({ ofApiKey: ask, ofSession: ask }, lives)
  const of = async (token = 'hx_a') => callers.of({ authorization: `Bearer ${token}` }, new URLSearchParams())
  return { callers, of, asked: () => asked }
}

test('of many calls at once the database is asked once, and then not before it is old', async () => {
  const { of, asked, callers } = callersOf(async () => caller)
  await Promise.all(Array.from({ length: 100 }, () => of()))
  expect(callers.of({ 'x-api-key': 'hx_a' }, new URLSearchParams())).toBe(caller)
  expect(asked()).toBe(1)
  await wait(50)
  await of()
  expect(asked()).toBe(2)
})

test('a change ends a token at its next call, also one that was being asked for meanwhile', async () => {
  let found: Caller | NoCaller = caller
  let slow = false
  const { of, callers } = callersOf(async () => {
    const seen = found
    if (slow) await wait(10)
    return seen
  })
  await of('hs_a')
  found = 'ended'
  callers.changed('org_1')
  await expect(of('hs_a')).rejects.toMatchObject({ code: 'budget_exhausted' })
  found = caller
  slow = true
  const asking = of('hs_b')
  found = 'ended'
  callers.changed('org_1')
  await expect(asking).rejects.toMatchObject({ code: 'budget_exhausted' })
})

test('what others changed wakes nobody', async () => {
  const { of, callers, asked } = callersOf(async () => caller)
  await of()
  callers.changed('org_2')
  await of()
  expect(asked()).toBe(1)
})

test('while the database is away what was good goes on for a while, and no longer', async () => {
  let away = false
  const { of } = callersOf(() => (away ? wait(1000).then(() => Promise.reject(new Error('away'))) : Promise.resolve(caller)))
  await of()
  away = true
  await wait(50)
  expect(await of()).toBe(caller)
  const begun = performance.now()
  expect(await of()).toBe(caller)
  expect(performance.now() - begun).toBeLessThan(15)
  await wait(200)
  await expect(of()).rejects.toThrow('away')
})

test('strangers are not asked for again and again, and nonsense is not asked for at all', async () => {
  const { of, asked } = callersOf(async () => 'unknown')
  for (let at = 0; at < 5; at++) await expect(of()).rejects.toMatchObject({ code: 'not_signed_in' })
  for (const token of ['', 'x', 'hx_', 'hx_a b', `hx_${'a'.repeat(500)}`])
    await expect(of(token)).rejects.toMatchObject({ code: 'not_signed_in' })
  expect(asked()).toBe(1)
})
