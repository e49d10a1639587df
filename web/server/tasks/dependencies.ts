import { HelixError } from '@helix/contract/errors'
import type { OrgId, TaskId } from '@helix/contract/ids'
import type { Knex } from 'knex'

/** Every edge of the organisation that can be reached from a task: what it needs, and what those need. */
async function pathTo(trx: Knex, orgId: OrgId, from: TaskId, to: TaskId): Promise<TaskId[] | null> {
  const cameFrom = new Map<TaskId, TaskId | null>([[from, null]])
  let edge: TaskId[] = [from]
  while (edge.length > 0 && !cameFrom.has(to)) {
    const rows = (await trx('task_dependencies').where({ org_id: orgId }).whereIn('task_id', edge).select('task_id', 'depends_on')) as {
      task_id: TaskId
      depends_on: TaskId
    }[]
    edge = []
    for (const { task_id, depends_on } of rows) {
      if (cameFrom.has(depends_on)) continue
      cameFrom.set(depends_on, task_id)
      edge.push(depends_on)
    }
  }
  if (!cameFrom.has(to)) return null
  const path: TaskId[] = []
  for (let at: TaskId | null | undefined = to; at != null; at = cameFrom.get(at)) path.unshift(at)
  return path
}

async function named(trx: Knex, ids: readonly TaskId[]): Promise<string> {
  const rows = (await trx('spec_tasks')
    .whereIn('id', [...ids])
    .select('id', 'number')) as { id: TaskId; number: number }[]
  return ids.map((id) => `#${rows.find((row) => row.id === id)?.number ?? '?'}`).join(' -> ')
}

/** Lets `taskId` wait for `dependsOn`. A circle is refused with its tasks named; the lock keeps two halves of one from being added at once. */
export async function addDependencyRow(trx: Knex, orgId: OrgId, taskId: TaskId, dependsOn: TaskId): Promise<void> {
  await trx.raw('select pg_advisory_xact_lock(hashtext(?))', [`dependencies ${orgId}`])
  const back = await pathTo(trx, orgId, dependsOn, taskId)
  if (back !== null) throw new HelixError('conflict', `This would be a circle: ${await named(trx, [taskId, ...back])}.`)
  await trx('task_dependencies').insert({ task_id: taskId, depends_on: dependsOn, org_id: orgId }).onConflict().ignore()
}

export async function removeDependencyRow(trx: Knex, orgId: OrgId, taskId: TaskId, dependsOn: TaskId): Promise<void> {
  await trx('task_dependencies').where({ org_id: orgId, task_id: taskId, depends_on: dependsOn }).delete()
}
