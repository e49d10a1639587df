import { HelixError } from '@helix/contract/errors'
import type { TaskId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { enqueue } from '../outbox/store.ts'
import type { TaskRow } from '../tasks/store.ts'

type Phase = 'planning' | 'implementing'
export type SlotAnswer = { claimed: boolean; reason: string | null }

const queuedStatus: Record<Phase, string> = { planning: 'queued_planning', implementing: 'queued_implementation' }

/** Places are claimed in the order of queueing; the project's row is the lock. A holder claims again for nothing. */
export async function claimPlace(trx: Knex, taskId: TaskId, phase: Phase, force: boolean): Promise<SlotAnswer> {
  const task = (await trx('spec_tasks').where({ id: taskId }).first()) as TaskRow | undefined
  if (task === undefined) throw new HelixError('not_found')
  const project = await trx('projects').where({ id: task.project_id }).forUpdate().first('planning_limit', 'implementing_limit')
  const limit = phase === 'planning' ? project.planning_limit : project.implementing_limit
  if (task.slot_phase !== phase && !force) {
    const holders = (await trx('spec_tasks')
      .where({ project_id: task.project_id, slot_phase: phase })
      .orderBy('number')
      .select('number')) as { number: number }[]
    const ahead = (await trx('spec_tasks')
      .where({ project_id: task.project_id, status: queuedStatus[phase] })
      .whereNull('slot_phase')
      .andWhere((query) => query.where('queued_at', '<', task.queued_at ?? trx.fn.now()))
      .whereNot({ id: taskId })
      .select('number')) as { number: number }[]
    if (holders.length + ahead.length >= limit) return { claimed: false, reason: waitReason(phase, limit, holders, ahead) }
  }
  await trx('spec_tasks').where({ id: taskId }).update({ slot_phase: phase })
  return { claimed: true, reason: null }
}

function waitReason(phase: Phase, limit: number, holders: { number: number }[], ahead: { number: number }[]): string {
  const names = (tasks: { number: number }[]): string =>
    tasks
      .slice(0, 3)
      .map(({ number }) => `#${number}`)
      .join(', ')
  const queue = ahead.length === 0 ? '' : `; ${names(ahead)} ${ahead.length === 1 ? 'is' : 'are'} ahead in the queue`
  return `Waits behind ${names(holders) || names(ahead)}: ${holders.length} of ${limit} ${phase} places are taken${queue}`
}

/** Gives the place back and wakes whoever waits. Nothing to give back is not an error. */
export async function releasePlace(trx: Knex, taskId: TaskId): Promise<void> {
  const task = (await trx('spec_tasks').where({ id: taskId }).first()) as TaskRow | undefined
  if (task === undefined) throw new HelixError('not_found')
  await trx('projects').where({ id: task.project_id }).forUpdate().first('id')
  const released = await trx('spec_tasks').where({ id: taskId }).whereNotNull('slot_phase').update({ slot_phase: null })
  if (released === 0) return
  const waiting = await trx('spec_tasks')
    .where({ project_id: task.project_id })
    .whereIn('status', Object.values(queuedStatus))
    .whereNull('slot_phase')
    .orderBy('queued_at')
    .limit(5)
    .select('id')
  for (const { id } of waiting) await enqueue(trx, task.org_id, { kind: 'signalTask', taskId: id, signal: 'slotFreed', payload: {} })
}
