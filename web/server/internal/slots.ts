import { HelixError } from '@helix/contract/errors'
import type { OrgId, ProjectId, TaskId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { enqueue } from '../outbox/store.ts'
import type { TaskRow } from '../tasks/store.ts'

export type Phase = 'planning' | 'implementing'
export type SlotAnswer = { claimed: boolean; reason: string | null }

const queuedStatus: Record<Phase, string> = { planning: 'queued_planning', implementing: 'queued_implementation' }

/** The project's row is the lock of its places; what the task holds is read under it. */
async function lockPlaces(trx: Knex, taskId: TaskId) {
  const found = (await trx('spec_tasks').where({ id: taskId }).first('project_id')) as Pick<TaskRow, 'project_id'> | undefined
  if (found === undefined) throw new HelixError('not_found')
  const project = await trx('projects').where({ id: found.project_id }).forNoKeyUpdate().first('planning_limit', 'implementing_limit')
  const task = (await trx('spec_tasks').where({ id: taskId }).first()) as TaskRow
  return { task, limits: { planning: project.planning_limit as number, implementing: project.implementing_limit as number } }
}

const numbersOf = (rows: { number: number }[]): number[] => rows.map(({ number }) => number)

/** Places are claimed in the order of queueing. A holder claims again for nothing, and a task that does not queue any more gets none. */
export async function claimPlace(trx: Knex, taskId: TaskId, phase: Phase, force: boolean): Promise<SlotAnswer> {
  const { task, limits } = await lockPlaces(trx, taskId)
  if (task.slot_phase === phase) return { claimed: true, reason: null }
  if (!force) {
    if (task.status !== queuedStatus[phase]) return { claimed: false, reason: 'The task does not wait for a place any more' }
    const holders = numbersOf(
      await trx('spec_tasks').where({ project_id: task.project_id, slot_phase: phase }).orderBy('number').select('number'),
    )
    const ahead = numbersOf(
      await waiting(trx, task.project_id, phase)
        .whereRaw('(queued_at, number) < (select queued_at, number from spec_tasks where id = ?)', [taskId])
        .select('number'),
    )
    if (holders.length + ahead.length >= limits[phase]) return { claimed: false, reason: waitReason(phase, limits[phase], holders, ahead) }
  }
  await trx('spec_tasks').where({ id: taskId }).update({ slot_phase: phase })
  if (task.slot_phase !== null) await wakeWaiting(trx, task.org_id, task.project_id, task.slot_phase)
  return { claimed: true, reason: null }
}

const listed = new Intl.ListFormat('en')

function waitReason(phase: Phase, limit: number, holders: number[], ahead: number[]): string {
  const names = [...holders, ...ahead].map((number) => `#${number}`)
  const shown = names.length <= 4 ? names : [...names.slice(0, 3), `${names.length - 3} more`]
  return `Waits behind ${listed.format(shown)}: ${holders.length} of ${limit} ${phase} ${limit === 1 ? 'place is' : 'places are'} taken`
}

/** Tasks that queue for a place of this phase. */
function waiting(trx: Knex, projectId: ProjectId, phase: Phase) {
  return trx('spec_tasks').where({ project_id: projectId, status: queuedStatus[phase] }).whereNull('slot_phase')
}

/** Tells the first in the queue to claim again: a place is free, or the limit is higher. */
export async function wakeWaiting(trx: Knex, orgId: OrgId, projectId: ProjectId, phase: Phase): Promise<void> {
  const first = await waiting(trx, projectId, phase).orderBy(['queued_at', 'number']).limit(10).select('id')
  for (const { id } of first) await enqueue(trx, orgId, { kind: 'signalTask', taskId: id, signal: 'slotFreed', payload: {} })
}

/** Gives the place back and wakes whoever waits for it. Nothing to give back is not an error. */
export async function releasePlace(trx: Knex, taskId: TaskId): Promise<void> {
  const { task } = await lockPlaces(trx, taskId)
  if (task.slot_phase === null) return
  await trx('spec_tasks').where({ id: taskId }).update({ slot_phase: null })
  await wakeWaiting(trx, task.org_id, task.project_id, task.slot_phase)
}
