import { HelixError } from '@helix/contract/errors'
import type { OrgId, ProjectId, TaskId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { appendEvent } from '../events/store.ts'
import { enqueue } from '../outbox/store.ts'
import { ExtrasStore, stillToCome } from '../tasks/extras/store.ts'
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

/** Places are claimed by priority, then in the order of queueing; what waits for another task stands in nobody's way. A holder claims again for nothing, and a task that does not queue any more gets none. */
export async function claimPlace(trx: Knex, taskId: TaskId, phase: Phase, force: boolean): Promise<SlotAnswer> {
  const { task, limits } = await lockPlaces(trx, taskId)
  if (task.slot_phase === phase) return { claimed: true, reason: null }
  if (!force) {
    if (task.status !== queuedStatus[phase]) return { claimed: false, reason: 'The task does not wait for a place any more' }
    const holders = numbersOf(
      await trx('spec_tasks').where({ project_id: task.project_id, slot_phase: phase }).orderBy('number').select('number'),
    )
    const blockers = await new ExtrasStore(trx).blockers(trx, [taskId])
    if (blockers.length > 0) return { claimed: false, reason: `Waits for ${shownNumbers(numbersOf(blockers))} to be merged` }
    const ahead = numbersOf(
      await waiting(trx, task.project_id, phase)
        .whereRaw('(priority, queued_at, number) < (select priority, queued_at, number from spec_tasks where id = ?)', [taskId])
        .orderBy(admission)
        .select('number'),
    )
    if (holders.length + ahead.length >= limits[phase]) return { claimed: false, reason: waitReason(phase, limits[phase], holders, ahead) }
  }
  await trx('spec_tasks').where({ id: taskId }).update({ slot_phase: phase })
  if (task.slot_phase !== null) await wakeWaiting(trx, task.org_id, task.project_id, task.slot_phase)
  return { claimed: true, reason: null }
}

const listed = new Intl.ListFormat('en')

function shownNumbers(numbers: number[]): string {
  const names = numbers.map((number) => `#${number}`)
  return listed.format(names.length <= 4 ? names : [...names.slice(0, 3), `${names.length - 3} more`])
}

function waitReason(phase: Phase, limit: number, holders: number[], ahead: number[]): string {
  return `Waits behind ${shownNumbers([...holders, ...ahead])}: ${holders.length} of ${limit} ${phase} ${limit === 1 ? 'place is' : 'places are'} taken`
}

/** The order in which places are given. */
const admission = ['priority', 'queued_at', 'number']

/** A task that needs another one which is still to come. */
const blocked = (trx: Knex) =>
  trx('task_dependencies as d')
    .join('spec_tasks as needed', 'needed.id', 'd.depends_on')
    .whereRaw('d.task_id = spec_tasks.id')
    .whereRaw(stillToCome('needed'))
    .select(trx.raw('1'))

/** Tasks that queue for a place of this phase and could take one. */
function waiting(trx: Knex, projectId: ProjectId, phase: Phase) {
  return trx('spec_tasks')
    .where({ project_id: projectId, status: queuedStatus[phase] })
    .whereNull('slot_phase')
    .whereNotExists(blocked(trx))
}

/** Tells those in the queue, as many as a limit can be, to claim again: a place is free, or the limit is higher. */
export async function wakeWaiting(trx: Knex, orgId: OrgId, projectId: ProjectId, phase: Phase): Promise<void> {
  const first = await waiting(trx, projectId, phase).orderBy(admission).limit(100).select('id')
  for (const { id } of first) await signalSlot(trx, { org_id: orgId, id })
  await startFromBacklog(trx, orgId, projectId, phase)
}

/** After an edit that may change who is next: priorities, dependencies, a new task in the backlog, other limits. */
export async function wakeAfterEdit(trx: Knex, orgId: OrgId, projectId: ProjectId): Promise<void> {
  for (const phase of ['planning', 'implementing'] as const) await wakeWaiting(trx, orgId, projectId, phase)
}

const signalSlot = (trx: Knex, { org_id, id }: Pick<TaskRow, 'org_id' | 'id'>): Promise<void> =>
  enqueue(trx, org_id, { kind: 'signalTask', taskId: id, signal: 'slotFreed', payload: {} })

/** Its dependencies changed: who is next may have too, and what it says it waits for. */
export async function wakeAfterLink(trx: Knex, task: Pick<TaskRow, 'org_id' | 'id' | 'project_id' | 'status'>): Promise<void> {
  if (task.status.startsWith('queued_')) await signalSlot(trx, task)
  await wakeAfterEdit(trx, task.org_id, task.project_id)
}

/** This task is not waited for any more, or is again: those that depend on it, in whichever project, say so and may go on. */
export async function wakeDependents(trx: Knex, orgId: OrgId, taskId: TaskId): Promise<void> {
  await wakeEach(trx, orgId, await dependents(trx, orgId).where({ 'd.depends_on': taskId }))
}

/** The tasks of this project are not waited for any more, or are again: those of other projects that depend on them hear of it. */
export async function wakeDependentsOfProject(trx: Knex, orgId: OrgId, projectId: ProjectId): Promise<void> {
  const others = dependents(trx, orgId).join('spec_tasks as needed', 'needed.id', 'd.depends_on')
  await wakeEach(trx, orgId, await others.where({ 'needed.project_id': projectId }).whereNot({ 's.project_id': projectId }))
}

const dependents = (trx: Knex, orgId: OrgId) =>
  trx('task_dependencies as d')
    .join('spec_tasks as s', 's.id', 'd.task_id')
    .where({ 's.org_id': orgId })
    .orderBy('s.number')
    .distinct('s.*')

async function wakeEach(trx: Knex, orgId: OrgId, dependents: TaskRow[]): Promise<void> {
  for (const task of dependents) if (task.status.startsWith('queued_')) await signalSlot(trx, task)
  for (const projectId of new Set(dependents.map((task) => task.project_id))) await wakeAfterEdit(trx, orgId, projectId)
  for (const { project_id: projectId, id, status, step } of dependents)
    await appendEvent(trx, orgId, { type: 'task.changed', projectId, taskId: id, status, step })
}

/**
 * Where the project starts its backlog by itself: free places are filled by priority with tasks that were never started. What a person put back
 * stays there. The request's id makes a second asking harmless.
 */
async function startFromBacklog(trx: Knex, orgId: OrgId, projectId: ProjectId, phase: Phase): Promise<void> {
  const project = await trx('projects')
    .where({ id: projectId, auto_start: true, archived_at: null, deleted_at: null })
    .first('planning_limit', 'implementing_limit')
  if (project === undefined) return
  const busy = await trx('spec_tasks')
    .where({ project_id: projectId })
    .andWhere((either) => either.where({ slot_phase: phase }).orWhere({ status: queuedStatus[phase] }))
    .count('* as count')
    .first()
  const free = (phase === 'planning' ? project.planning_limit : project.implementing_limit) - Number(busy?.count ?? 0)
  if (free <= 0) return
  const next = await trx('spec_tasks')
    .where({ project_id: projectId, status: 'backlog', step: 0, just_do_it: phase === 'implementing' })
    .whereNotExists(blocked(trx))
    .orderBy(['priority', 'number'])
    .limit(free)
    .select('id', 'created_by')
  for (const { id, created_by } of next)
    await enqueue(trx, orgId, { kind: 'startTask', taskId: id, request: { id: `auto/${id}`, action: 'start', actorId: created_by } })
}

/** Gives the place back and wakes whoever waits for it. Nothing to give back is not an error. */
export async function releasePlace(trx: Knex, taskId: TaskId): Promise<void> {
  const { task } = await lockPlaces(trx, taskId)
  if (task.slot_phase === null) return
  await trx('spec_tasks').where({ id: taskId }).update({ slot_phase: null })
  await wakeWaiting(trx, task.org_id, task.project_id, task.slot_phase)
}
