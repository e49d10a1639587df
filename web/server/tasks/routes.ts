import { randomUUID } from 'node:crypto'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, TaskId } from '@helix/contract/ids'
import {
  createTask,
  getBoard,
  getChanges,
  getTask,
  getTimeline,
  listTasks,
  sendPrompt,
  type TaskAction,
  taskMoves,
} from '@helix/contract/tasks'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { appendEvent, newestEventId } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { enqueue } from '../outbox/store.ts'
import { ProjectStore } from '../projects/store.ts'
import { createTaskRow } from './create.ts'
import { describeTask } from './describe.ts'
import { moveTask } from './runner.ts'
import { cardOf, type TaskRow, TaskStore } from './store.ts'

export function taskRoutes(context: Context): Router {
  const router = Router()
  const store = new TaskStore(context.db)
  const projects = new ProjectStore(context.db)

  const get = async (orgId: OrgId, taskId: TaskId): Promise<TaskRow> => {
    const row = await store.find(orgId, taskId)
    if (row === null) throw new HelixError('not_found')
    return row
  }
  const describe = async (orgId: OrgId, taskId: TaskId) => describeTask(context, store, await get(orgId, taskId))

  mount(router, context, createTask, async ({ actor, params, body }) => {
    const project = await projects.find(actor.orgId, params.projectId)
    if (project === null) throw new HelixError('not_found')
    return describe(actor.orgId, await createTaskRow(context, store, actor, project, body))
  })
  mount(router, context, getBoard, async ({ actor, params }) => {
    if ((await projects.find(actor.orgId, params.projectId)) === null) throw new HelixError('not_found')
    // The event id is read before the cards: what happens between shows twice rather than never.
    const lastEventId = String(await newestEventId(context.db, actor.orgId))
    return { cards: (await store.board(actor.orgId, params.projectId)).map(cardOf), lastEventId }
  })
  mount(router, context, listTasks, async ({ actor, params, query }) => {
    if ((await projects.find(actor.orgId, params.projectId)) === null) throw new HelixError('not_found')
    const before = query.cursor === undefined ? undefined : Number(query.cursor)
    if (before !== undefined && !Number.isSafeInteger(before))
      throw new HelixError('invalid_request', 'cursor: not one that this list gave')
    const rows = await store.list(actor.orgId, params.projectId, query.status, before, query.limit)
    return { items: rows.map(cardOf), nextCursor: rows.length === query.limit ? String(rows.at(-1)?.number) : null }
  })
  mount(router, context, getTask, async ({ actor, params }) => describe(actor.orgId, params.taskId))
  mount(router, context, getTimeline, async ({ actor, params }) => {
    const row = await get(actor.orgId, params.taskId)
    const steps = await store.steps(actor.orgId, row.id)
    return { steps, sessionStarts: await store.sessionStarts(actor.orgId, row.session_id), turns: await store.turns(actor.orgId, row.id) }
  })
  mount(router, context, getChanges, async ({ actor, params }) => {
    const row = await get(actor.orgId, params.taskId)
    const [repository] = await store.repositoriesOf(actor.orgId, row.project_id)
    if (repository === undefined) throw new HelixError('not_found')
    const key = { orgId: actor.orgId, repositoryId: repository.id }
    const head = await store.branchCommit(repository.id, row.branch)
    if (head === null) return { repositoryId: repository.id, base: null, head: null, commits: [], files: [], truncated: false }
    // A merged branch has nothing ahead of its base any more: it is compared with the merge's first parent.
    const base = row.merged_commit === null ? row.base_branch : ((await context.git.firstParent(key, row.merged_commit)) ?? row.base_branch)
    const { mergeBase, commits, files, truncated } = await context.git.changes(key, base, head)
    return { repositoryId: repository.id, base: mergeBase, head, commits, files, truncated }
  })
  mount(router, context, sendPrompt, async ({ actor, params, body }) => {
    const row = await get(actor.orgId, params.taskId)
    const { session_id } = row
    if (session_id === null) throw new HelixError('conflict', 'The task has no agent yet: start it first.')
    if (['merged', 'archived', 'backlog'].includes(row.status))
      throw new HelixError('conflict', `The agent of a task that is ${row.status} does not take messages.`)
    const promptId = await context.db.transaction(async (trx) => {
      const id = await store.insertPersonPrompt(trx, row, actor.userId, body.text)
      await enqueue(trx, actor.orgId, { kind: 'signalTask', taskId: row.id, signal: 'personPrompt', payload: { promptId: id } })
      await appendEvent(trx, actor.orgId, {
        type: 'task.changed',
        projectId: row.project_id,
        taskId: row.id,
        status: row.status,
        step: row.step,
      })
      return id
    })
    context.bus.wake(actor.orgId)
    context.outbox.nudge()
    return { promptId }
  })
  for (const [action, endpoint] of Object.entries(taskMoves) as [TaskAction, (typeof taskMoves)[TaskAction]][]) {
    mount(router, context, endpoint, async ({ actor, params, body, request }) => {
      const row = await get(actor.orgId, params.taskId)
      const requestId = request.header('idempotency-key') ?? randomUUID()
      await moveTask(context, row, { requestId, action, actorId: actor.userId, ...(body as { commit?: string; note?: string }) })
      const task = await describe(actor.orgId, row.id)
      return { status: task.status, task }
    })
  }
  return router
}
