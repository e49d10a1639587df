import type { OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { PushListener, RecordedPush } from '../git/push-log.ts'
import { enqueue } from '../outbox/store.ts'
import { specFolderOfRow, type TaskRow } from './store.ts'

const specsRef = 'refs/heads/helix-specs'

type TouchedRow = Pick<TaskRow, 'id' | 'project_id' | 'number' | 'slug' | 'status' | 'step'>

const columns = ['spec_tasks.id', 'spec_tasks.project_id', 'number', 'slug', 'status', 'step']

/** Tasks of projects whose first repository this is: that is where their specs live. */
function tasksOver(trx: Knex, orgId: OrgId, repositoryId: string, position: number | null): Knex.QueryBuilder {
  return trx('spec_tasks')
    .join('project_repositories as p', 'p.project_id', 'spec_tasks.project_id')
    .where({ 'spec_tasks.org_id': orgId, 'p.repository_id': repositoryId })
    .modify((query) => {
      if (position !== null) query.andWhere({ 'p.position': position })
    })
    .select(columns)
}

async function addRevision(trx: Knex, push: RecordedPush, task: TouchedRow): Promise<void> {
  const newest = await trx('spec_revisions').where({ task_id: task.id }).max('number as number').first()
  const number = (newest?.number ?? 0) + 1
  const row = { id: newId('revision'), org_id: push.orgId, task_id: task.id, number, commit: push.newCommit, push_id: push.id }
  const written = await trx('spec_revisions').insert(row).onConflict(['task_id', 'commit']).ignore().returning('id')
  if (written.length === 0) return
  await appendEvent(trx, push.orgId, { type: 'spec.revised', projectId: task.project_id, taskId: task.id, revision: number })
  await enqueue(trx, push.orgId, { kind: 'signalTask', taskId: task.id, signal: 'pushed', payload: { pushId: push.id, what: 'spec' } })
}

/**
 * What a push means to tasks, in the push's own transaction: one revision for each task whose spec folder it changed, and a signal for the task
 * whose working branch it moved.
 */
export const recordTaskPush: PushListener = async (trx, push, changedPaths) => {
  if (push.newCommit === null) return
  if (push.ref === specsRef) {
    const folders = new Set(changedPaths.map((path) => path.split('/').slice(0, 3).join('/')))
    const tasks: TouchedRow[] = await tasksOver(trx, push.orgId, push.repositoryId, 0)
    for (const task of tasks) if (folders.has(specFolderOfRow(task))) await addRevision(trx, push, task)
    return
  }
  const branch = push.ref.replace(/^refs\/heads\//, '')
  const tasks: TouchedRow[] = await tasksOver(trx, push.orgId, push.repositoryId, null).andWhere({ branch })
  for (const task of tasks) {
    await appendEvent(trx, push.orgId, {
      type: 'task.changed',
      projectId: task.project_id,
      taskId: task.id,
      status: task.status,
      step: task.step,
    })
    await enqueue(trx, push.orgId, { kind: 'signalTask', taskId: task.id, signal: 'pushed', payload: { pushId: push.id, what: 'code' } })
  }
}
