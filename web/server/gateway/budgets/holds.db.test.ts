import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../db/database.ts'
import { openTestDatabase } from '../../db/testing.ts'
import type { Hold } from '../ports/holds.ts'
import { addBudget, addOrg, dollars, ledgerOf, openReplica, type Replica, scopeOfOrg, tryReserve } from './testing.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const db = () => database.db
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const lapse = (holder: string) =>
  db()('budget_leases')
    .where({ holder })
    .update({ expires_at: db().raw("clock_timestamp() - interval '1 second'") })

test('of 200 calls at once in two processes, a budget for exactly 50 lets 50 through', async () => {
  const orgId = await addOrg(db())
  const budgetId = await addBudget(db(), orgId, 50 * 700)
  await using one = openReplica(database, 'one')
  await using two = openReplica(database, 'two')
  let spent = 0
  const call = async (replica: Replica): Promise<boolean> => {
    const hold = await tryReserve(replica, scopeOfOrg(orgId), dollars(700))
    if (hold === null) return false
    await later(5)
    spent += 700
    hold.settle(dollars(700))
    return true
  }
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => call(index % 2 === 0 ? one : two)))
  expect(answers.filter(Boolean)).toHaveLength(50)
  expect(spent).toBe(35_000)
  await one[Symbol.asyncDispose]()
  await two[Symbol.asyncDispose]()
  expect(await ledgerOf(db(), budgetId)).toEqual({ spent: 35_000, granted: 0, used: 0, leases: 0 })
})

test('a call is held against every budget above it, and against none where one of them has no room', async () => {
  const orgId = await addOrg(db())
  const [wide, narrow] = [await addBudget(db(), orgId, 1000, { period: 'month' }), await addBudget(db(), orgId, 300, { period: 'day' })]
  await using one = openReplica(database, 'one')
  const scope = scopeOfOrg(orgId)
  const first = await one.holds.reserve(scope, dollars(200))
  const second = one.holds.reserve(scope, dollars(200))
  first.settle(dollars(50))
  const hold = await second
  hold.settle(dollars(200))
  expect(await tryReserve(one, scope, dollars(51))).toBeNull()
  const last = await one.holds.reserve(scope, dollars(50))
  last.release()
  last.settle(dollars(50))
  await one[Symbol.asyncDispose]()
  expect([(await ledgerOf(db(), wide)).spent, (await ledgerOf(db(), narrow)).spent]).toEqual([250, 250])
})

test('nobody is refused while another process keeps money ready that it does not use', async () => {
  const orgId = await addOrg(db())
  await addBudget(db(), orgId, 10_000)
  const scope = scopeOfOrg(orgId)
  await using one = openReplica(database, 'one')
  await using two = openReplica(database, 'two')
  for (let call = 0; call < 30; call++) (await one.holds.reserve(scope, dollars(100))).settle(dollars(100))
  const rest: Hold[] = []
  for (let call = 0; call < 70; call++) rest.push(await two.holds.reserve(scope, dollars(100)))
  expect(rest).toHaveLength(70)
  for (const hold of rest) hold.settle(dollars(100))
  expect(await tryReserve(one, scope, dollars(1))).toBeNull()
})

test('a killed process is charged what it used and what it held open, and never less', async () => {
  const orgId = await addOrg(db())
  const budgetId = await addBudget(db(), orgId, 10_000)
  const scope = scopeOfOrg(orgId)
  const one = openReplica(database, 'one')
  await using two = openReplica(database, 'two')
  for (let call = 0; call < 10; call++) (await one.holds.reserve(scope, dollars(100))).settle(dollars(100))
  for (let call = 0; call < 5; call++) await one.holds.reserve(scope, dollars(300))
  await one.holds.sync()
  await one.kill()
  const before = await ledgerOf(db(), budgetId)
  expect(before.granted).toBeGreaterThanOrEqual(2500)
  expect(await two.ledger.reap()).toBe(0)
  await lapse(one.holder)
  expect(await two.ledger.reap()).toBe(1)
  const { spent, leases } = await ledgerOf(db(), budgetId)
  expect(leases).toBe(0)
  expect(spent).toBeGreaterThanOrEqual(2500)
  // At most what it kept ready: half of what was open, and a second and a half of its pace.
  expect(spent).toBeLessThanOrEqual(2500 + 750 + 1500)
  expect(await tryReserve(two, scope, dollars(10_000 - spent + 1))).toBeNull()
  ;(await two.holds.reserve(scope, dollars(10_000 - spent))).release()
})

test('a process whose lease was ended meanwhile spends nothing that is not charged', async () => {
  const orgId = await addOrg(db())
  const budgetId = await addBudget(db(), orgId, 1000)
  const scope = scopeOfOrg(orgId)
  await using one = openReplica(database, 'one')
  const open = await one.holds.reserve(scope, dollars(400))
  await lapse(one.holder)
  await one.ledger.reap()
  const charged = (await ledgerOf(db(), budgetId)).spent
  expect(charged).toBeGreaterThanOrEqual(400)
  // It does not know yet, and what it takes from memory is part of what was charged.
  await one.holds.sync()
  open.settle(dollars(400))
  expect(await tryReserve(one, scope, dollars(1000 - charged + 1))).toBeNull()
  const hold = await one.holds.reserve(scope, dollars(1000 - charged))
  hold.settle(dollars(1000 - charged))
  await one[Symbol.asyncDispose]()
  expect((await ledgerOf(db(), budgetId)).spent).toBe(1000)
})

test('calls that wait get what others held and did not use', async () => {
  const orgId = await addOrg(db())
  await addBudget(db(), orgId, 100)
  const scope = scopeOfOrg(orgId)
  await using one = openReplica(database, 'one')
  await using two = openReplica(database, 'two')
  const held = await one.holds.reserve(scope, dollars(90))
  const [here, there] = [one.holds.reserve(scope, dollars(40)), two.holds.reserve(scope, dollars(40))]
  await later(50)
  held.settle(dollars(10))
  for (const hold of await Promise.all([here, there])) hold.settle(dollars(40))
  expect(await tryReserve(two, scope, dollars(11))).toBeNull()
})

test('what calls under way hold for long is said to be held, not spent', async () => {
  const orgId = await addOrg(db())
  await addBudget(db(), orgId, 100)
  await using one = openReplica(database, 'one', { patienceMs: 300 })
  await one.holds.reserve(scopeOfOrg(orgId), dollars(90))
  const refused = await Promise.resolve(one.holds.reserve(scopeOfOrg(orgId), dollars(40))).catch((error) => error)
  expect(refused).toMatchObject({ code: 'budget_exhausted', details: { held: true, spent: 0, limit: 100 } })
})

test('a budget that is made, raised or removed counts from then on, in every process', async () => {
  const orgId = await addOrg(db())
  const scope = scopeOfOrg(orgId)
  await using one = openReplica(database, 'one')
  ;(await one.holds.reserve(scope, dollars(1_000_000))).settle(dollars(1_000_000))
  const budgetId = await addBudget(db(), orgId, 100)
  await one.holds.sync()
  expect(await tryReserve(one, scope, dollars(101))).toBeNull()
  ;(await one.holds.reserve(scope, dollars(100))).settle(dollars(100))
  expect(await tryReserve(one, scope, dollars(1))).toBeNull()
  await db()('budgets').where({ id: budgetId }).update({ limit_amount: 150 })
  ;(await one.holds.reserve(scope, dollars(50))).settle(dollars(50))
  expect(await tryReserve(one, scope, dollars(1))).toBeNull()
  await db()('budgets').where({ id: budgetId }).delete()
  ;(await one.holds.reserve(scope, dollars(5000))).release()
})

test('a new day has a budget of its own, and what was open stays with its day', async () => {
  const orgId = await addOrg(db())
  const budgetId = await addBudget(db(), orgId, 100, { period: 'day' })
  const scope = scopeOfOrg(orgId)
  await db().raw("create table test_clock as select timestamptz '2031-05-01 23:59:59Z' as at")
  await using one = openReplica(database, 'one', { clock: '(select at from test_clock)', patienceMs: 200 })
  const open = await one.holds.reserve(scope, dollars(100))
  await db()('test_clock').update({ at: '2031-05-02T00:00:00Z' })
  await one.holds.sync()
  const today = await one.holds.reserve(scope, dollars(100))
  expect(await tryReserve(one, scope, dollars(1))).toBeNull()
  open.settle(dollars(70))
  today.settle(dollars(20))
  await one[Symbol.asyncDispose]()
  const rows = await db()('budget_periods').where({ budget_id: budgetId }).orderBy('starts_on').select('spent')
  expect(rows.map(({ spent }) => spent)).toEqual([70, 20])
  await db().raw('drop table test_clock')
})

test('without its database a process goes on out of its leases, then answers 503, and goes on when it is back', async () => {
  const orgId = await addOrg(db())
  const budgetId = await addBudget(db(), orgId, 100_000)
  const free = scopeOfOrg(await addOrg(db()))
  const scope = scopeOfOrg(orgId)
  await using one = openReplica(database, 'one', { silenceMs: 1000 })
  await one.hearing
  ;(await one.holds.reserve(free, dollars(5))).release()
  const open = await Promise.all([1, 2, 3, 4].map(() => one.holds.reserve(scope, dollars(1000))))
  await one.holds.reserve(scope, dollars(1000))
  one.database.away = true
  for (const hold of open) hold.settle(dollars(100))
  let spent = 0
  const refused = await (async () => {
    for (;;) {
      try {
        const hold = await one.holds.reserve(scope, dollars(1000))
        spent += 1000
        hold.settle(dollars(1000))
      } catch (error) {
        return error
      }
    }
  })()
  expect(spent).toBeGreaterThanOrEqual(3000)
  expect(refused).toMatchObject({ code: 'database_unavailable', status: 503 })
  ;(await one.holds.reserve(free, dollars(5))).release()
  await one.holds.sync()
  one.database.away = false
  ;(await one.holds.reserve(scope, dollars(1000))).settle(dollars(1000))
  await one[Symbol.asyncDispose]()
  expect((await ledgerOf(db(), budgetId)).spent).toBe(400 + spent + 1000 + 1000)
})
