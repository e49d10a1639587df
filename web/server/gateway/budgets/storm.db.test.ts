import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../db/database.ts'
import { openTestDatabase } from '../../db/testing.ts'
import { addBudget, addOrg, dollars, ledgerOf, openReplica, type Replica, scopeOfOrg, seeded, tryReserve } from './testing.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Three processes, calls of random cost, one of the processes killed in the middle and another ended by a clock that jumped. */
test.for([1, 2, 3, 4, 5])('whatever happens, what calls cost never passes the limit and never what is charged (seed %i)', async (seed) => {
  const random = seeded(seed)
  const { db } = database
  const orgId = await addOrg(db)
  const limit = 20_000 + Math.floor(random() * 20_000)
  const budgetId = await addBudget(db, orgId, limit)
  const replicas = [1, 2, 3].map((number) => openReplica(database, `r${number}`, { patienceMs: 200 })) as [Replica, Replica, Replica]
  const [, victim, sleeper] = replicas
  // What the provider was paid, or may have been paid, by calls of each process.
  let cost = 0
  let dead = false
  const caller = async (replica: Replica): Promise<void> => {
    for (let call = 0, refusals = 0; call < 25 && refusals < 4; call++) {
      const worst = 50 + Math.floor(random() * 400)
      const hold = await tryReserve(replica, scopeOfOrg(orgId), dollars(worst))
      if (dead && replica === victim) return
      if (hold === null) {
        refusals += 1
        continue
      }
      const actual = Math.floor(random() * worst)
      cost += actual
      expect(cost).toBeLessThanOrEqual(limit)
      await later(random() * 8)
      if (dead && replica === victim) return
      hold.settle(dollars(actual))
    }
  }
  const lapse = (holder: string) =>
    db('budget_leases')
      .where({ holder })
      .update({ expires_at: db.raw("clock_timestamp() - interval '1 second'") })
  const trouble = async (): Promise<void> => {
    await later(60)
    dead = true
    await victim.kill()
    await lapse(victim.holder)
    await replicas[0].ledger.reap()
    await lapse(sleeper.holder)
    await replicas[0].ledger.reap()
  }
  await Promise.all([trouble(), ...replicas.flatMap((replica) => Array.from({ length: 12 }, () => caller(replica)))])
  for (const replica of replicas) await replica[Symbol.asyncDispose]()
  await lapse(victim.holder)
  await replicas[0].ledger.reap()
  const { spent, leases } = await ledgerOf(db, budgetId)
  expect(leases).toBe(0)
  expect(cost).toBeLessThanOrEqual(spent)
  expect(spent).toBeLessThanOrEqual(limit)
})
