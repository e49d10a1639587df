import type { RateLimits } from '@helix/contract/budgets'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, SessionId } from '@helix/contract/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../../context.ts'
import type { Database } from '../../../db/database.ts'
import { openTestDatabase } from '../../../db/testing.ts'
import type { Hold } from '../../ports/holds.ts'
import { addBudget, addOrg, openReplica, type Replica, scopeOfOrg, tryReserve } from '../testing.ts'
import { writeLimits } from './store.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const unlimited = { requestsPerMinute: null, tokensPerMinute: null }
const limit = (orgId: OrgId, limits: Partial<RateLimits>) =>
  database.db.transaction((trx) => writeLimits(trx, orgId, { organisation: unlimited, key: unlimited, session: unlimited, ...limits }))
const tokens = (count: number) => ({ microUsd: 0, tokens: count })
const level = async (orgId: OrgId, name: string) =>
  Number((await database.db('rate_buckets').where({ org_id: orgId, name }).first())?.level)

/** The refusal, or null where the call may be made. */
async function refusal(replica: Replica, scope: ReturnType<typeof scopeOfOrg>, count = 10): Promise<HelixError | null> {
  try {
    ;(await replica.holds.reserve(scope, tokens(count))).settle(tokens(count))
    return null
  } catch (error) {
    if (error instanceof HelixError) return error
    throw error
  }
}

test('two processes together let as many calls through in a minute as one may, and say when to come again', async () => {
  const orgId = await addOrg(database.db)
  await limit(orgId, { organisation: { requestsPerMinute: 60, tokensPerMinute: null } })
  await using one = openReplica(database, 'one')
  await using two = openReplica(database, 'two')
  const began = Date.now()
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => refusal(index % 2 === 0 ? one : two, scopeOfOrg(orgId))))
  const passed = answers.filter((answer) => answer === null).length
  // What flows in meanwhile is one a second.
  expect(passed).toBeGreaterThanOrEqual(60)
  expect(passed).toBeLessThanOrEqual(60 + Math.ceil((Date.now() - began) / 1000))
  const refused = answers.find((answer) => answer !== null)
  expect(refused).toMatchObject({ code: 'rate_limited', status: 429, details: { scope: 'organisation', kind: 'requests', perMinute: 60 } })
  expect(refused?.message).toMatch(/^The organisation may use 60 calls a minute: try again in [12] s\.$/)
  expect(refused?.details?.retryAfterMs).toBeGreaterThanOrEqual(100)
  expect(refused?.details?.retryAfterMs).toBeLessThanOrEqual(1000)
})

test('of tokens the most a call can use is drawn, and what it did not use is given back', async () => {
  const orgId = await addOrg(database.db)
  await limit(orgId, { organisation: { requestsPerMinute: null, tokensPerMinute: 1000 } })
  await using one = openReplica(database, 'one')
  const held: Hold = await one.holds.reserve(scopeOfOrg(orgId), tokens(900))
  expect(await refusal(one, scopeOfOrg(orgId), 900)).toMatchObject({ code: 'rate_limited', details: { kind: 'tokens' } })
  held.settle(tokens(100))
  expect(await refusal(one, scopeOfOrg(orgId), 800)).toBeNull()
  // More than a minute's worth takes a minute's worth: such a call is possible at all.
  expect(await refusal(one, scopeOfOrg(await limited(5000)), 9000)).toBeNull()
})

async function limited(tokensPerMinute: number): Promise<OrgId> {
  const orgId = await addOrg(database.db)
  await limit(orgId, { organisation: { requestsPerMinute: null, tokensPerMinute } })
  return orgId
}

test('each session and each key has a bucket of its own', async () => {
  const orgId = await addOrg(database.db)
  await limit(orgId, { session: { requestsPerMinute: 2, tokensPerMinute: null }, key: { requestsPerMinute: 3, tokensPerMinute: null } })
  await using one = openReplica(database, 'one')
  const session = (sessionId: SessionId) => ({ ...scopeOfOrg(orgId), sessionId })
  const [first, second] = [newId('session'), newId('session')]
  const many = async (scope: ReturnType<typeof scopeOfOrg>) => {
    const answers: (HelixError | null)[] = []
    for (let call = 0; call < 5; call++) answers.push(await refusal(one, scope))
    return answers.filter((answer) => answer === null).length
  }
  expect([await many(session(first)), await many(session(second))]).toEqual([2, 2])
  expect(await many({ ...scopeOfOrg(orgId), keyPrefix: 'hx_abc' })).toBe(3)
})

test('a call that no budget has room for leaves the buckets as they were, and idle draws are poured back', async () => {
  const orgId = await addOrg(database.db)
  await limit(orgId, { organisation: { requestsPerMinute: 10, tokensPerMinute: null } })
  await addBudget(database.db, orgId, 100, { unit: 'tokens' })
  await using one = openReplica(database, 'one')
  for (let call = 0; call < 20; call++) expect(await tryReserve(one, scopeOfOrg(orgId), tokens(500))).toBeNull()
  await one[Symbol.asyncDispose]()
  expect(await level(orgId, 'organisation/requests')).toBeGreaterThanOrEqual(10)
})

test('a limit that is changed or taken away holds within a second', async () => {
  const orgId = await limited(100)
  await using one = openReplica(database, 'one')
  expect(await refusal(one, scopeOfOrg(orgId), 100)).toBeNull()
  expect(await refusal(one, scopeOfOrg(orgId), 100)).toMatchObject({ code: 'rate_limited' })
  await limit(orgId, {})
  await one.holds.sync()
  expect(await refusal(one, scopeOfOrg(orgId), 100_000)).toBeNull()
})

test('without the database limits of rate let calls through', async () => {
  const orgId = await limited(100)
  await using one = openReplica(database, 'one')
  await one.hearing
  expect(await refusal(one, scopeOfOrg(orgId), 100)).toBeNull()
  one.database.away = true
  expect(await refusal(one, scopeOfOrg(orgId), 100)).toBeNull()
})
