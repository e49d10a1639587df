import { HelixError } from '@helix/contract/errors'
import type { OrgId, TaskId } from '@helix/contract/ids'
import { taskMoves } from '@helix/contract/task-moves'
import type { TaskAction } from '@helix/contract/task-status'
import { getChanges, getTimeline, sendPrompt } from '@helix/contract/task-work'
import { createTask, getBoard, getTask, listTasks } from '@helix/contract/tasks'
import { Router } from 'express'
import { CodeCommentStore } from '../code-comments/store.ts'
import type { Context } from '../context.ts'
import { RequestStore } from '../conversation/requests.ts'
import { newestEventId } from '../events/store.ts'
import { stopsOfTask } from '../gateway/budgets/stops/store.ts'
import { type Actor, mount } from '../http/mount.ts'
import { ProjectStore } from '../projects/store.ts'
import { createTaskRow } from './create.ts'
import { changesOf, describeTask } from './describe.ts'
import { editRoutes } from './edit.ts'
import { sendToAgent } from './prompts.ts'
import { moveTask } from './runner.ts'
import { type TaskRow, TaskStore } from './store.ts'

/** The cursor of a list of tasks is the number of the last one seen. */
function numberOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  if (!/^[0-9]{1,9}$/.test(cursor))
    throw new HelixError('invalid_request', 'cursor: not one that this list gave', { fields: { cursor: 'unknown' } })
  return Number(cursor)
}

/** The agent is told what to change by the note, by open comments on the changes, or by both. */
async function requireChanges({ db }: Context, task: TaskRow, note: string | undefined): Promise<void> {
  if (note?.trim() || (await new CodeCommentStore(db).open(db, task.org_id, task.id)).length > 0) return
  const what = 'say what to change, here or in a comment on the changes'
  throw new HelixError('invalid_request', `note: ${what}`, { fields: { note: what } })
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
  /** The workflow's own page is for those who operate the installation. */
  const describe = async ({ orgId, orgRole }: Pick<Actor, 'orgId' | 'orgRole'>, taskId: TaskId) => {
    const task = await describeTask(context, store, await get(orgId, taskId))
    return orgRole === 'owner' || orgRole === 'admin' ? task : { ...task, workflowUrl: null }
  }

  mount(router, context, createTask, async ({ actor, params, body }) => {
    const project = await projects.find(actor.orgId, params.projectId)
    if (project === null) throw new HelixError('not_found')
    return describe(actor, await createTaskRow(context, store, actor, project, body))
  })
  mount(router, context, getBoard, async ({ actor, params }) => {
    if ((await projects.find(actor.orgId, params.projectId)) === null) throw new HelixError('not_found')
    // The event id is read before the cards: what happens between shows twice rather than never.
    const lastEventId = String(await newestEventId(context.db, actor.orgId))
    const cards = await store.cards(actor.orgId, await store.board(actor.orgId, params.projectId))
    const mergedTotal = await store.count(actor.orgId, params.projectId, 'merged')
    return { cards, mergedTotal, archivedTotal: await store.count(actor.orgId, params.projectId, 'archived'), lastEventId }
  })
  mount(router, context, listTasks, async ({ actor, params, query }) => {
    if ((await projects.find(actor.orgId, params.projectId)) === null) throw new HelixError('not_found')
    const wanted = { status: query.status, ids: query.ids?.split(',').slice(0, 50), find: query.find }
    const rows = await store.list(actor.orgId, params.projectId, wanted, numberOf(query.cursor), query.limit + 1)
    const shown = rows.slice(0, query.limit)
    return { items: await store.cards(actor.orgId, shown), nextCursor: rows.length > shown.length ? String(shown.at(-1)?.number) : null }
  })
  mount(router, context, getTask, async ({ actor, params }) => describe(actor, params.taskId))
  mount(router, context, getTimeline, async ({ actor, params }) => {
    const row = await get(actor.orgId, params.taskId)
    return {
      steps: await store.steps(actor.orgId, row.id),
      sessionStarts: await store.sessionStarts(actor.orgId, row.session_id),
      turns: await store.turns(actor.orgId, row.id),
      waits: await new RequestStore(context.db).waits(actor.orgId, row.id),
      budgetStops: await stopsOfTask(context.db, row.id),
    }
  })
  mount(router, context, getChanges, async ({ actor, params }) => changesOf(context, store, await get(actor.orgId, params.taskId)))
  mount(router, context, sendPrompt, async ({ actor, params, body }) =>
    sendToAgent(context, store, await get(actor.orgId, params.taskId), { authorId: actor.userId, ...body }),
  )
  router.use(editRoutes(context))
  for (const [action, endpoint] of Object.entries(taskMoves) as [TaskAction, (typeof taskMoves)[TaskAction]][]) {
    mount(router, context, endpoint, async ({ actor, params, body, request }) => {
      const row = await get(actor.orgId, params.taskId)
      const given = body as { commit?: string; note?: string }
      if (action === 'request_implementation_changes') await requireChanges(context, row, given.note)
      const note = await moveTask(context, row, { action, actorId: actor.userId, ...given, onceKey: request.header('idempotency-key') })
      const task = await describe(actor, row.id)
      return { status: task.status, task, note }
    })
  }
  return router
}
