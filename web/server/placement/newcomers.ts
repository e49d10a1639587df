import type { HostId, OrgId, SessionId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { giveAway, type Placing } from './room.ts'
import { PlacementStore } from './store.ts'

/** A session that was just made, and never had a place. */
export interface Newcomer {
  id: SessionId
  orgId: OrgId
}

interface Batch {
  all: Newcomer[]
  decided: Promise<ReadonlyMap<SessionId, HostId>>
}

/** By database: in one process everything is decided through one connection pool. */
const waiting = new WeakMap<Knex, { running: Promise<unknown>; next: Batch | null }>()

/** The host that has its place for a new session, or null: it waits. Those that come while others are decided about are decided about together. */
export async function placeOfNewcomer(context: Placing, newcomer: Newcomer): Promise<HostId | null> {
  const queue = waiting.get(context.db) ?? { running: Promise.resolve(), next: null }
  waiting.set(context.db, queue)
  if (queue.next === null) {
    const all: Newcomer[] = []
    const decided = queue.running.then(() => {
      queue.next = null
      return decide(context, all)
    })
    queue.next = { all, decided }
    // Each who waits hears of a failure; the next are decided about all the same.
    queue.running = decided.catch(() => undefined)
  }
  queue.next.all.push(newcomer)
  return (await queue.next.decided).get(newcomer.id) ?? null
}

async function decide(context: Placing, newcomers: readonly Newcomer[]): Promise<ReadonlyMap<SessionId, HostId>> {
  const ids = newcomers.map(({ id }) => id)
  const placed = await context.db.transaction(async (trx) => {
    const store = new PlacementStore(trx)
    await store.lock()
    await store.joinAll(newcomers)
    await store.endReservations()
    const decision = await giveAway(trx, ids)
    const told = decision.left.filter(({ id }) => ids.includes(id))
    if (told.length > 0) await store.tellPositions(told)
    return decision.placed
  })
  if (placed.some(({ id }) => !ids.includes(id))) context.outbox.nudge()
  return new Map(placed.map(({ id, hostId }) => [id, hostId]))
}
