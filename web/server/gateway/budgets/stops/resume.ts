import type { OrgId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { type Context, newId } from '../../../context.ts'
import { settle } from '../../../inbox/store.ts'
import { enqueue } from '../../../outbox/store.ts'
import { hasRoom, tellWaiting } from './pause.ts'
import { endStop, type Stop, waitingStops } from './store.ts'

const goOn = `The budget had run out and your turn ended because of it. There is budget again: go on from where you are.`

/** Why it is not waited for any more; null: it is. */
async function over(trx: Knex, { taskId, sessionId }: Stop): Promise<string | null> {
  const session = await trx('agent_sessions').where({ id: sessionId }).first('state')
  if (session === undefined || session.state === 'stopped') return 'The session has stopped'
  if (taskId === null) return null
  const task = await trx('spec_tasks').where({ id: taskId }).first('status')
  return task?.status === 'planning' || task?.status === 'implementing' ? null : 'The task has moved on'
}

/** A session that no task has is told by a message; the workflow of a task tells its agent itself. */
async function tell(trx: Knex, { id: stopId, orgId, taskId, sessionId }: Stop): Promise<void> {
  if (taskId !== null) return enqueue(trx, orgId, { kind: 'signalTask', taskId, signal: 'budgetRaised', payload: { stopId } })
  const promptId = newId('prompt')
  const row = { id: promptId, org_id: orgId, session_id: sessionId, kind: 'nudge', text: goOn, state: 'queued' }
  await trx('prompts').insert(row)
  await enqueue(trx, orgId, { kind: 'tellSession', sessionId, taskId: null, signal: 'prompt', payload: { promptId, mode: 'queue' } })
}

async function resume(trx: Knex, stop: Stop, by: UserId | null): Promise<boolean> {
  // Whoever locks the row first decides.
  const open = await trx('budget_stops').where({ id: stop.id }).whereNull('ended_at').forUpdate().skipLocked().first('id')
  if (open === undefined) return false
  const reason = await over(trx, stop)
  if (reason === null && !(await hasRoom(trx, stop))) return false
  await endStop(trx, stop.id, reason ?? 'There is budget again')
  if (reason === null) await tell(trx, stop)
  await settle(trx, stop.orgId, { subject: stop.id, kinds: ['budget'] }, { userId: by, reason: reason ?? 'There is budget again' })
  await tellWaiting(trx, stop)
  return reason === null
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
    if (!(await context.db.transaction((trx) => resume(trx, stop, by)))) continue
    resumed += 1
    told.add(stop.orgId)
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
