import { type BulkChange, bulkTasks, cloneTask } from '@helix/contract/bulk'
import type { BodyOf, ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { ProjectId, TaskId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import { priorities } from '@helix/contract/priorities'
import type { Project } from '@helix/contract/projects'
import type { TaskAction } from '@helix/contract/task-status'
import { createTask, type Task } from '@helix/contract/tasks'
import { Router } from 'express'
import type { Knex } from 'knex'
import { roleOnProject } from '../access/store.ts'
import { AttachmentStore } from '../attachments/store.ts'
import type { Context } from '../context.ts'
import { asHelixError } from '../http/errors.ts'
import { type Actor, mount } from '../http/mount.ts'
import { LabelStore } from '../labels/store.ts'
import { ProjectStore } from '../projects/store.ts'
import { createTaskRow, newTaskBranch } from './create.ts'
import { describeTask } from './describe.ts'
import { changed, lockTask, writeEdit } from './edit.ts'
import { ExtrasStore } from './extras/store.ts'
import { moveTask } from './runner.ts'
import { type TaskRow, TaskStore } from './store.ts'

/** How many tasks are moved side by side: each asks its workflow. */
const atOnce = 8

type Outcome = ResponseOf<typeof bulkTasks>['results'][number]

const isMove = (
  change: BulkChange,
): change is { action: Extract<TaskAction, 'start' | 'retry' | 'back_to_backlog' | 'archive' | 'restore' | 'undo_archive'> } =>
  ['start', 'retry', 'back_to_backlog', 'archive', 'restore', 'undo_archive'].includes(change.action)

async function edit(trx: Knex, actor: Actor, row: TaskRow, change: BulkChange): Promise<void> {
  const { labels, assignees } = (await new ExtrasStore(trx).ofTasks(row.org_id, [row.id]))(row.id)
  const labelIds = labels.map(({ id }) => id)
  const assigneeIds = assignees.map(({ id }) => id)
  if (change.action === 'set_priority') return writeEdit(trx, actor, row, { priority: change.priority })
  if (change.action === 'add_label') return writeEdit(trx, actor, row, { labelIds: [...new Set([...labelIds, change.labelId])] })
  if (change.action === 'remove_label') return writeEdit(trx, actor, row, { labelIds: labelIds.filter((id) => id !== change.labelId) })
  if (change.action === 'assign') return writeEdit(trx, actor, row, { assigneeIds: [...new Set([...assigneeIds, change.userId])] })
  if (change.action === 'unassign') return writeEdit(trx, actor, row, { assigneeIds: assigneeIds.filter((id) => id !== change.userId) })
}

/** One thing done to many tasks, and one task copied to many projects. */
export function bulkRoutes(context: Context): Router {
  const router = Router()
  const store = new TaskStore(context.db)

  const one = async (actor: Actor, projectId: ProjectId, taskId: TaskId, change: BulkChange, key: string | undefined): Promise<Outcome> => {
    const row = await store.find(actor.orgId, taskId)
    if (row === null || row.project_id !== projectId)
      return { taskId, number: null, error: { code: 'not_found', message: 'There is no such task here.' }, note: null }
    try {
      let note: string | null = null
      if (isMove(change))
        note = await moveTask(context, row, { action: change.action, actorId: actor.userId, onceKey: key && `${key}/${taskId}` })
      else
        await context.db.transaction(async (trx) => {
          const locked = await lockTask(trx, actor.orgId, taskId)
          await edit(trx, actor, locked, change)
          await changed(trx, locked)
        })
      return { taskId, number: row.number, error: null, note }
    } catch (error) {
      const known = asHelixError(error)
      if (known.status >= 500 && known.code === 'internal') context.log.error({ err: error, taskId }, 'bulk change failed')
      return { taskId, number: row.number, error: { code: known.code, message: known.message }, note: null }
    }
  }

  mount(router, context, bulkTasks, async ({ actor, params, body, request }) => {
    const ids = [...new Set(body.taskIds)]
    const results: Outcome[] = []
    for (let next = 0; next < ids.length; next += atOnce) {
      const batch = ids.slice(next, next + atOnce)
      results.push(
        ...(await Promise.all(batch.map((id) => one(actor, params.projectId, id, body.change, request.header('idempotency-key'))))),
      )
    }
    context.bus.wake(actor.orgId)
    context.outbox.nudge()
    return { results }
  })

  mount(router, context, cloneTask, async ({ actor, params, body }) => {
    const row = await store.find(actor.orgId, params.taskId)
    if (row === null) throw new HelixError('not_found')
    const targets = [...new Set(body.projectIds)]
    const projects: Project[] = []
    for (const projectId of targets) projects.push(await cloneTarget(context, actor, row, projectId))
    const items: Task[] = []
    const notes: string[] = []
    for (const project of projects) items.push(await cloneTo(context, store, actor, row, project, notes))
    return { items, notes }
  })
  return router
}

/** A project that takes a copy. Asked of all before the first is made: whoever asks again after a refusal makes no copy twice. */
async function cloneTarget(context: Context, actor: Actor, row: TaskRow, projectId: ProjectId): Promise<Project> {
  const role = await roleOnProject(context.db, actor, projectId)
  const project = role === null ? null : await new ProjectStore(context.db).find(actor.orgId, projectId)
  if (role === null || project === null)
    throw new HelixError('invalid_request', 'projectIds: not a project that you can see', { fields: { projectIds: 'unknown project' } })
  if (!roleGrants(role, 'task:write') || (actor.scopes !== null && !actor.scopes.includes('task:write')))
    throw new HelixError('forbidden', `To put tasks into ${project.name} you need to be member of that project; you are ${role}.`)
  await newTaskBranch(context, actor, project, projectId === row.project_id ? row.base_branch : undefined)
  return project
}

/** `notes` is told who could not come along. */
async function cloneTo(context: Context, store: TaskStore, actor: Actor, row: TaskRow, project: Project, notes: string[]): Promise<Task> {
  const { id: projectId } = project
  const extras = new ExtrasStore(context.db)
  const { labels, assignees } = (await extras.ofTasks(row.org_id, [row.id]))(row.id)
  const names = new Set(labels.map(({ name }) => name.toLowerCase()))
  const there = (await new LabelStore(context.db).list(actor.orgId, projectId)).filter(({ name }) => names.has(name.toLowerCase()))
  const attachmentIds = await new AttachmentStore(context.db).copy(actor, row.id, projectId)
  const assigned = assignees.map(({ id }) => id)
  const assigneeIds = await extras.assignable(context.db, actor.orgId, projectId, assigned)
  for (const { id, name } of assignees)
    if (!assigneeIds.includes(id)) notes.push(`${name} may not see ${project.name} and is not assigned there.`)
  const sameProject = projectId === row.project_id
  const parsed = createTask.body.parse({
    prompt: row.prompt,
    title: row.title,
    justDoIt: row.just_do_it,
    start: false,
    priority: priorities[row.priority] ?? 'normal',
    ...(sameProject ? { agentRuntime: row.agent_runtime, baseBranch: row.base_branch } : {}),
  })
  // A task may have gathered more of these than one request takes.
  const fields: BodyOf<typeof createTask> = { ...parsed, labelIds: there.map(({ id }) => id), assigneeIds, attachmentIds }
  const id = await createTaskRow(context, store, actor, project, fields)
  const made = await store.find(actor.orgId, id)
  if (made === null) throw new HelixError('not_found')
  return describeTask(context, store, made)
}
