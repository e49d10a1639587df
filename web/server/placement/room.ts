import type { SessionId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Context } from '../context.ts'
import { enqueue } from '../outbox/store.ts'
import { type Decision, decide } from './decide.ts'
import { PlacementStore } from './store.ts'

/** What of the control plane placement needs. */
export interface Placing extends Pick<Context, 'db' | 'bus'> {
  outbox: Pick<Context['outbox'], 'nudge'>
}

/** Reserves what is free for who waits, in their order, and tells their workflows. The lock is held, and what lapsed is ended. */
export async function giveAway(trx: Knex, askers: readonly SessionId[]): Promise<Decision> {
  const store = new PlacementStore(trx)
  const { hosts, shares, rows } = await store.state()
  const decision = decide({ hosts, shares, waiting: await store.waiting(rows), now: Date.now() })
  if (decision.placed.length === 0) return decision
  await store.reserve(decision.placed)
  const others = decision.placed.filter(({ id }) => !askers.includes(id)).map(({ id }) => id)
  if (others.length === 0) return decision
  for (const { id, org_id, task_id } of await store.ofTasks(others))
    await enqueue(trx, org_id, { kind: 'signalSession', taskId: task_id, sessionId: id, signal: 'placeFreed', payload: {} })
  return decision
}

/** Something got free, or may be had by others: after the commit of what freed it. Lost in a crash, it is found when those who wait ask again. */
export async function roomChanged(context: Placing): Promise<void> {
  if (!(await new PlacementStore(context.db).anyWaiting())) return
  await context.db.transaction(async (trx) => {
    await new PlacementStore(trx).lock()
    await new PlacementStore(trx).endReservations()
    await giveAway(trx, [])
  })
  context.outbox.nudge()
}
