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
import { newestEventId } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { ProjectStore } from '../projects/store.ts'
import { createTaskRow } from './create.ts'
import { changesOf, describeTask } from './describe.ts'
import { sendToAgent } from './prompts.ts'
import { moveTask } from './runner.ts'
import { cardOf, type TaskRow, TaskStore } from './store.ts'

/** The cursor of a list of tasks is the number of the last one seen. */
function numberOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  if (!/^[0-9]{1,9}$/.test(cursor))
    throw new HelixError('invalid_request', 'cursor: not one that this list gave', { fields: { cursor: 'unknown' } })
  return Number(cursor)
}

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
    const rows = await store.list(actor.orgId, params.projectId, query.status, numberOf(query.cursor), query.limit + 1)
    const shown = rows.slice(0, query.limit)
    return { items: shown.map(cardOf), nextCursor: rows.length > shown.length ? String(shown.at(-1)?.number) : null }
  })
  mount(router, context, getTask, async ({ actor, params }) => describe(actor.orgId, params.taskId))
  mount(router, context, getTimeline, async ({ actor, params }) => {
    const row = await get(actor.orgId, params.taskId)
    const steps = await store.steps(actor.orgId, row.id)
    return { steps, sessionStarts: await store.sessionStarts(actor.orgId, row.session_id), turns: await store.turns(actor.orgId, row.id) }
  })
  mount(router, context, getChanges, async ({ actor, params }) => changesOf(context, store, await get(actor.orgId, params.taskId)))
  mount(router, context, sendPrompt, async ({ actor, params, body }) => ({
    promptId: await sendToAgent(context, store, await get(actor.orgId, params.taskId), actor.userId, body.text),
  }))
  for (const [action, endpoint] of Object.entries(taskMoves) as [TaskAction, (typeof taskMoves)[TaskAction]][]) {
    mount(router, context, endpoint, async ({ actor, params, body, request }) => {
      const row = await get(actor.orgId, params.taskId)
      const given = body as { commit?: string; note?: string }
      await moveTask(context, row, { action, actorId: actor.userId, ...given, onceKey: request.header('idempotency-key') })
      const task = await describe(actor.orgId, row.id)
      return { status: task.status, task }
    })
  }
  return router
}
