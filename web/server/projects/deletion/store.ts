import type { OrgId, ProjectId, TaskId, UserId } from '@helix/contract/ids'
import { type DeletedProject, keptDays } from '@helix/contract/projects'
import type { Knex } from 'knex'
import { wakeDependentsOfProject } from '../../internal/slots.ts'
import { enqueue } from '../../outbox/store.ts'
import { sessionLife } from '../../sessions/life/store.ts'

const dayMs = 24 * 3600 * 1000
/** Where agents work or will; a merge under way is let through. */
const stoppable = ['queued_planning', 'planning', 'spec_review', 'queued_implementation', 'implementing', 'implementation_review', 'failed']

export const goneAt = (deletedAt: Date): Date => new Date(deletedAt.getTime() + keptDays * dayMs)

/** Deleted projects that nobody can restore any more. */
export const overdue = (db: Knex): Knex.QueryBuilder => db('projects').whereRaw('deleted_at < now() - make_interval(days => ?)', [keptDays])

/** Projects that are hidden and wait to be restored or to be gone. */
export const deletionStore = {
  /** Hides the project and asks its tasks to end their sessions, and the others to end. Null: it is gone already. */
  async hide(trx: Knex, orgId: OrgId, id: ProjectId, actorId: UserId): Promise<Date | null> {
    const tasks = await trx('spec_tasks').where({ org_id: orgId, project_id: id }).whereIn('status', stoppable).orderBy('id').select('id')
    const stopped = tasks.map((task) => task.id as TaskId)
    const [row] = await trx('projects')
      .where({ org_id: orgId, id, deleted_at: null })
      .update({ deleted_at: trx.fn.now(), deleted_by: actorId, stopped_tasks: JSON.stringify(stopped), version: trx.raw('version + 1') })
      .returning(['deleted_at', 'version'])
    if (row === undefined) return null
    await askEach(trx, orgId, stopped, { action: 'archive', actorId, id: `delete/${id}/${row.version}` })
    for (const sessionId of await sessionLife.withoutTask(trx, orgId, id)) {
      const payload = { reason: 'The project was deleted' }
      await enqueue(trx, orgId, { kind: 'tellSession', sessionId, taskId: null, signal: 'stopSession', payload })
    }
    await wakeDependentsOfProject(trx, orgId, id)
    return row.deleted_at
  },

  /** Shows the project again and brings the tasks that `hide` stopped back to the backlog. False: there is nothing to restore. */
  async restore(trx: Knex, orgId: OrgId, id: ProjectId, actorId: UserId): Promise<boolean> {
    const project = await trx('projects')
      .where({ org_id: orgId, id })
      .whereNotNull('deleted_at')
      .forUpdate()
      .first('stopped_tasks', 'version')
    if (project === undefined) return false
    await trx('projects')
      .where({ org_id: orgId, id })
      .update({ deleted_at: null, deleted_by: null, stopped_tasks: '[]', version: trx.raw('version + 1') })
    await wakeDependentsOfProject(trx, orgId, id)
    await askEach(trx, orgId, project.stopped_tasks, { action: 'restore', actorId, id: `undelete/${id}/${project.version}` })
    return true
  },

  async list(db: Knex, orgId: OrgId): Promise<DeletedProject[]> {
    const rows = await db('projects as p')
      .leftJoin('users as u', 'u.id', 'p.deleted_by')
      .where({ 'p.org_id': orgId })
      .whereNotNull('p.deleted_at')
      .orderBy('p.deleted_at', 'desc')
      .select('p.id', 'p.name', 'p.deleted_at', 'u.name as person', db('spec_tasks').whereRaw('project_id = p.id').count('*').as('tasks'))
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      deletedAt: row.deleted_at.toISOString(),
      deletedBy: row.person,
      goneAt: goneAt(row.deleted_at).toISOString(),
      tasks: Number(row.tasks),
    }))
  },

  /** Removes what nobody restored in time, with all that hangs on it; one with files on disk once those are collected. Answers how many projects. */
  async purge(db: Knex): Promise<number> {
    const withFiles = db('attachments').whereRaw('attachments.project_id = projects.id')
    return overdue(db).whereNotExists(withFiles).delete()
  },
}

async function askEach(
  trx: Knex,
  orgId: OrgId,
  taskIds: TaskId[],
  { id, action, actorId }: { id: string; action: 'archive' | 'restore'; actorId: UserId },
): Promise<void> {
  for (const taskId of taskIds)
    await enqueue(trx, orgId, { kind: 'startTask', taskId, request: { id: `${id}/${taskId}`, action, actorId } })
}
