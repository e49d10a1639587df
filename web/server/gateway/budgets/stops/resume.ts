import type { OrgId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Context } from '../../../context.ts'
import { settle } from '../../../inbox/store.ts'
import { endStop, type Stop, waitingStops } from './store.ts'
import { goesOn, hasRoom, over, tellWaiting } from './waiting.ts'

/** `over`: nobody waits for it any more. */
async function resume(trx: Knex, stop: Stop, by: UserId | null): Promise<'waits' | 'over' | 'goes on'> {
  // Whoever locks the row first decides.
  const open = await trx('budget_stops').where({ id: stop.id }).whereNull('ended_at').forUpdate().skipLocked().first('id')
  if (open === undefined) return 'waits'
  const reason = await over(trx, stop)
  if (reason === null && !(await hasRoom(trx, stop))) return 'waits'
  await endStop(trx, stop.id, reason ?? 'There is budget again')
  if (reason === null) await goesOn(trx, stop)
  await settle(trx, stop.orgId, { subject: stop.id, kinds: ['budget'] }, { userId: by, reason: reason ?? 'There is budget again' })
  await tellWaiting(trx, stop)
  return reason === null ? 'goes on' : 'over'
}

/** Sessions that wait for budget and have room now go on: after a change by a person, and by the sweep. Answers with how many. */
export async function resumeStops(
  context: Pick<Context, 'db' | 'bus' | 'outbox'>,
  orgId: OrgId | null,
  by: UserId | null,
): Promise<number> {
  let resumed = 0
  const told = new Set<OrgId>()
  for (const stop of await waitingStops(context.db, orgId)) {
    const outcome = await context.db.transaction((trx) => resume(trx, stop, by))
    if (outcome !== 'waits') told.add(stop.orgId)
    if (outcome === 'goes on') resumed += 1
  }
  for (const id of told) context.bus.wake(id)
  if (resumed > 0) context.outbox.nudge()
  return resumed
}

/** The task moved: nobody waits for budget of it any more. Part of the transaction that writes its step. */
export async function stopsAreOver(trx: Knex, taskId: string): Promise<void> {
  await trx('budget_stops')
    .where({ task_id: taskId })
    .whereNull('ended_at')
    .update({ ended_at: trx.fn.now(), end_reason: 'The task has moved on' })
}
