import {
  answerPermission,
  editPrompt,
  findTaskPaths,
  getTaskAgent,
  stopTurn,
  suspendAgent,
  withdrawPrompt,
} from '@helix/contract/conversation'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, TaskId } from '@helix/contract/ids'
import type { SessionState } from '@helix/contract/sessions'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { enqueue } from '../outbox/store.ts'
import { SessionStore } from '../sessions/store.ts'
import { type TaskRow, TaskStore } from '../tasks/store.ts'
import { answerRequest } from './answering.ts'
import { pathsOf, rankPaths } from './paths.ts'
import { editQueued, withdrawQueued } from './queued.ts'
import { RequestStore } from './requests.ts'
import { QueueStore } from './store.ts'

/** Why an agent cannot be suspended now, for people; null when it can. */
function cannotSuspend(state: SessionState, inTurn: boolean): string | null {
  if (inTurn || state === 'running') return 'The agent is in the middle of a turn: stop the turn first, then suspend it.'
  if (state === 'suspended') return 'The agent is suspended already.'
  if (state === 'stopped') return 'The session has ended: there is nothing to suspend.'
  return state === 'idle' ? null : 'The agent is being started: it can be suspended once it is idle.'
}

/** Files that a message may name. */
async function searchPaths(context: Context, tasks: TaskStore, task: TaskRow, query: string, limit: number): Promise<string[]> {
  const home = await tasks.branchHome(task)
  const [first] = await tasks.repositoriesOf(task.org_id, task.project_id)
  const repositoryId = home?.repositoryId ?? first?.id
  if (repositoryId === undefined) return []
  const repo = { orgId: task.org_id, repositoryId }
  const commit = home?.commit ?? (await context.git.resolveCommit(repo, task.base_branch))
  if (commit === null) return []
  const { git, folderOf } = context.gitStorage
  return rankPaths(await pathsOf(git, folderOf(repo), commit), query, limit)
}

export function conversationRoutes(context: Context): Router {
  const router = Router()
  const { db, bus } = context
  const tasks = new TaskStore(db)
  const sessions = new SessionStore(db)
  const queue = new QueueStore(db)
  const requests = new RequestStore(db)

  const getRow = async (orgId: OrgId, taskId: TaskId): Promise<TaskRow> => {
    const row = await tasks.find(orgId, taskId)
    if (row === null) throw new HelixError('not_found')
    return row
  }
  const changed = async (task: TaskRow, work: Parameters<typeof db.transaction>[0]): Promise<void> => {
    await db.transaction(async (trx) => {
      await work(trx)
      const { project_id: projectId, id: taskId, status, step } = task
      await appendEvent(trx, task.org_id, { type: 'task.changed', projectId, taskId, status, step })
    })
    bus.wake(task.org_id)
  }

  mount(router, context, getTaskAgent, async ({ actor, params }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const { session_id: sessionId } = task
    return {
      session: sessionId === null ? null : await sessions.find(actor.orgId, sessionId),
      turn: sessionId === null ? null : await queue.running(actor.orgId, sessionId),
      queued: await queue.list(actor.orgId, { task_id: task.id }),
      permissions: await requests.list(actor.orgId, { task_id: task.id }, { open: true }),
    }
  })
  mount(router, context, editPrompt, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    return editQueued(queue, actor, { task_id: task.id }, params.promptId, body.text, (work) => changed(task, work))
  })
  mount(router, context, withdrawPrompt, async ({ actor, params }) => {
    const task = await getRow(actor.orgId, params.taskId)
    return withdrawQueued(queue, actor, { task_id: task.id }, params.promptId, (work) => changed(task, work))
  })
  mount(router, context, stopTurn, async ({ actor, params }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const turn = task.session_id === null ? null : await queue.running(actor.orgId, task.session_id)
    if (task.session_id === null || turn === null) throw new HelixError('conflict', 'No turn runs: there is nothing to stop.')
    const { session_id: sessionId } = task
    const payload = { promptId: turn.promptId, by: 'person' }
    await changed(task, (trx) =>
      enqueue(trx, task.org_id, { kind: 'signalSession', taskId: task.id, sessionId, signal: 'cancelTurn', payload }),
    )
    context.outbox.nudge()
    return {}
  })
  mount(router, context, suspendAgent, async ({ actor, params }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const session = task.session_id === null ? null : await sessions.find(actor.orgId, task.session_id)
    if (session === null) throw new HelixError('conflict', 'The task has no agent: there is nothing to suspend.')
    const turn = await queue.running(actor.orgId, session.id)
    const refusal = cannotSuspend(session.state, turn !== null)
    if (refusal !== null) throw new HelixError('conflict', refusal)
    const { id: sessionId } = session
    await changed(task, (trx) =>
      enqueue(trx, task.org_id, { kind: 'signalSession', taskId: task.id, sessionId, signal: 'suspend', payload: {} }),
    )
    context.outbox.nudge()
    return {}
  })
  mount(router, context, answerPermission, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    return answerRequest(context, actor, task.project_id, { task_id: task.id }, params.requestId, body)
  })
  mount(router, context, findTaskPaths, async ({ actor, params, query }) => {
    const task = await getRow(actor.orgId, params.taskId)
    return { paths: await searchPaths(context, tasks, task, query.query, query.limit) }
  })
  return router
}
