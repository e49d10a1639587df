import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, TaskId } from '@helix/contract/ids'
import { priorities } from '@helix/contract/priorities'
import { addDependency, removeDependency, type Task, updateTask } from '@helix/contract/tasks'
import { Router } from 'express'
import type { Knex } from 'knex'
import { visibleProjects } from '../access/store.ts'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { type Actor, mount } from '../http/mount.ts'
import { wakeAfterEdit, wakeAfterLink } from '../internal/slots.ts'
import { addDependencyRow, removeDependencyRow } from './dependencies.ts'
import { describeTask } from './describe.ts'
import { ExtrasStore } from './extras/store.ts'
import { tidyTitle } from './names.ts'
import { type TaskRow, TaskStore } from './store.ts'

type Edit = Omit<BodyOf<typeof updateTask>, 'expectedVersion'>

const unknown = (field: string, what: string): HelixError =>
  new HelixError('invalid_request', `${field}: ${what}`, { fields: { [field]: what } })

async function refuseOlder(trx: Knex, row: TaskRow, expected: number): Promise<void> {
  if (row.version === expected) return
  const editor = row.edited_by === null ? undefined : await trx('users').where({ id: row.edited_by }).first('name')
  throw new HelixError('conflict', `${editor?.name ?? 'Somebody'} has edited the task since you opened it: look at it as it is now.`, {
    version: row.version,
    by: editor?.name ?? null,
    at: row.edited_at?.toISOString() ?? null,
  })
}

/** Writes an edit in the caller's transaction; the row is locked by it. */
export async function writeEdit(trx: Knex, actor: Actor, row: TaskRow, edit: Edit): Promise<void> {
  // Planning tells the agent the prompt as it is then: what was put back, or rejected, can be asked for in other words.
  if (edit.prompt !== undefined && edit.prompt !== row.prompt && row.status !== 'backlog')
    throw new HelixError('conflict', 'prompt: the agent has it already; send a message instead, or put the task back into the backlog.', {
      fields: { prompt: 'was sent to the agent' },
    })
  const extras = new ExtrasStore(trx)
  if (edit.labelIds !== undefined && (await extras.setLabels(trx, row.project_id, row.id, edit.labelIds)) !== null)
    throw unknown('labelIds', 'not a label of this project')
  const task = { orgId: row.org_id, projectId: row.project_id, taskId: row.id }
  const unassignable = edit.assigneeIds === undefined ? null : await extras.setAssignees(trx, task, edit.assigneeIds)
  if (unassignable !== null) throw unknown('assigneeIds', unassignable)
  await trx('spec_tasks')
    .where({ id: row.id })
    .update({
      version: row.version + 1,
      edited_by: actor.userId,
      edited_at: trx.fn.now(),
      ...(edit.title === undefined ? {} : { title: tidyTitle(edit.title) || row.title }),
      ...(edit.prompt === undefined ? {} : { prompt: edit.prompt }),
      ...(edit.priority === undefined ? {} : { priority: priorities.indexOf(edit.priority) }),
    })
  if (edit.priority !== undefined) await wakeAfterEdit(trx, row.org_id, row.project_id)
}

export const changed = (trx: Knex, row: TaskRow): Promise<void> =>
  appendEvent(trx, row.org_id, { type: 'task.changed', projectId: row.project_id, taskId: row.id, status: row.status, step: row.step })

/**
 * The row, locked: of two edits at once the second sees the first. Its key is not: a dependency that another task adds to it refers to it meanwhile,
 * and would wait for this one, which may wait for that.
 */
export async function lockTask(trx: Knex, orgId: OrgId, taskId: TaskId): Promise<TaskRow> {
  const row = (await trx('spec_tasks').where({ org_id: orgId, id: taskId }).forNoKeyUpdate().first()) as TaskRow | undefined
  if (row === undefined) throw new HelixError('not_found')
  return row
}

/** What people change of a task besides its status. */
export function editRoutes(context: Context): Router {
  const router = Router()
  const store = new TaskStore(context.db)

  const edit = async (actor: Actor, taskId: TaskId, work: (trx: Knex, row: TaskRow) => Promise<void>): Promise<Task> => {
    await context.db.transaction(async (trx) => {
      const row = await lockTask(trx, actor.orgId, taskId)
      await work(trx, row)
      await changed(trx, row)
    })
    context.bus.wake(actor.orgId)
    context.outbox.nudge()
    const row = await store.find(actor.orgId, taskId)
    if (row === null) throw new HelixError('not_found')
    return describeTask(context, store, row)
  }

  mount(router, context, updateTask, ({ actor, params, body: { expectedVersion, ...rest } }) =>
    edit(actor, params.taskId, async (trx, row) => {
      await refuseOlder(trx, row, expectedVersion)
      await writeEdit(trx, actor, row, rest)
    }),
  )
  mount(router, context, addDependency, ({ actor, params }) =>
    edit(actor, params.taskId, async (trx, row) => {
      const other = await new TaskStore(trx).find(actor.orgId, params.dependsOnId)
      const visible = await visibleProjects(trx, actor)
      if (other === null || (visible !== null && !visible.has(other.project_id)))
        throw new HelixError('not_found', 'There is no such task to wait for.')
      if (other.id === row.id) throw new HelixError('conflict', `This would be a circle: #${row.number} -> #${row.number}.`)
      await addDependencyRow(trx, actor.orgId, row.id, other.id)
      await wakeAfterLink(trx, row)
      await changed(trx, other)
    }),
  )
  mount(router, context, removeDependency, ({ actor, params }) =>
    edit(actor, params.taskId, async (trx, row) => {
      await removeDependencyRow(trx, actor.orgId, row.id, params.dependsOnId)
      await wakeAfterLink(trx, row)
      const other = await new TaskStore(trx).find(actor.orgId, params.dependsOnId)
      if (other !== null) await changed(trx, other)
    }),
  )
  return router
}
