import type { Knex } from 'knex'
import { newId } from '../../../context.ts'
import { appendEvent } from '../../../events/store.ts'
import { enqueue } from '../../../outbox/store.ts'
import { OverviewStore } from '../overview/store.ts'
import type { Stop } from './store.ts'

const goOn = `The budget had run out and your turn ended because of it. There is budget again: go on from where you are.`

/** Every budget above the session has room for the call that was refused, or for any call where that is another unit. */
export async function hasRoom(
  db: Knex,
  stop: Pick<Stop, 'orgId' | 'projectId' | 'taskId' | 'sessionId' | 'budgetId' | 'needs'>,
): Promise<boolean> {
  const above = await new OverviewStore(db).left(stop.orgId, stop)
  const unit = above.find(({ budgetId }) => budgetId === stop.budgetId)?.unit
  return above.every((budget) => budget.left >= (budget.unit === unit ? Math.max(1, stop.needs) : 1))
}

/** Why it is not waited for any more; null: it is. */
export async function over(trx: Knex, { taskId, sessionId }: Stop): Promise<string | null> {
  const session = await trx('agent_sessions').where({ id: sessionId }).first('state')
  if (session === undefined || session.state === 'stopped') return 'The session has stopped'
  if (taskId === null) return null
  const task = await trx('spec_tasks').where({ id: taskId }).first('status')
  return task?.status === 'planning' || task?.status === 'implementing' ? null : 'The task has moved on'
}

/** The workflow of a task tells its agent itself; a session that no task has is told by a message. Once for each stop. */
export async function goesOn(trx: Knex, { id: stopId, orgId, taskId, sessionId }: Stop): Promise<void> {
  if (taskId !== null) return enqueue(trx, orgId, { kind: 'signalTask', taskId, signal: 'budgetRaised', payload: { stopId } })
  const promptId = newId('prompt')
  const row = { id: promptId, org_id: orgId, session_id: sessionId, kind: 'nudge', text: goOn, state: 'queued' }
  await trx('prompts').insert(row)
  await enqueue(trx, orgId, { kind: 'tellSession', sessionId, taskId: null, signal: 'prompt', payload: { promptId, mode: 'queue' } })
}

/** The card and the pages of what waits are read again. */
export async function tellWaiting(trx: Knex, stop: Pick<Stop, 'orgId' | 'projectId' | 'taskId' | 'sessionId'>): Promise<void> {
  const { orgId, projectId, taskId, sessionId } = stop
  if (taskId !== null) {
    const task = await trx('spec_tasks').where({ id: taskId }).first('status', 'step')
    if (task !== undefined) await appendEvent(trx, orgId, { type: 'task.changed', projectId, taskId, status: task.status, step: task.step })
    return
  }
  const session = await trx('agent_sessions').where({ id: sessionId }).first('state')
  if (session !== undefined) await appendEvent(trx, orgId, { type: 'session.changed', projectId, sessionId, taskId, state: session.state })
}
