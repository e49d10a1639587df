import { HelixError } from '@helix/contract/errors'
import type { SessionId } from '@helix/contract/ids'
import {
  answerSessionPermission,
  editSessionPrompt,
  getSessionAgent,
  renameSession,
  stopSessionTurn,
  withdrawSessionPrompt,
} from '@helix/contract/session-agent'
import type { Session } from '@helix/contract/sessions'
import { Router } from 'express'
import type { Knex } from 'knex'
import type { Context } from '../../context.ts'
import { answerRequest } from '../../conversation/answering.ts'
import { editQueued, withdrawQueued } from '../../conversation/queued.ts'
import { RequestStore } from '../../conversation/requests.ts'
import { QueueStore } from '../../conversation/store.ts'
import { appendEvent } from '../../events/store.ts'
import { type Actor, mount } from '../../http/mount.ts'
import { enqueue } from '../../outbox/store.ts'
import { TaskStore } from '../../tasks/store.ts'
import { SessionStore } from '../store.ts'
import { sessionLife } from './store.ts'

const ofTask = 'The session is its task’s: talk to its agent on the task.'

/** The agent of a session without a task, as people talk to it. */
export function sessionAgentRoutes(context: Context): Router {
  const router = Router()
  const { db, bus } = context
  const sessions = new SessionStore(db)
  const queue = new QueueStore(db)
  const requests = new RequestStore(db)

  const get = async (actor: Actor, id: SessionId): Promise<Session> => {
    const session = await sessions.find(actor.orgId, id)
    if (session === null) throw new HelixError('not_found')
    return session
  }
  const own = async (actor: Actor, id: SessionId): Promise<Session> => {
    const session = await get(actor, id)
    if (session.taskId !== null) throw new HelixError('conflict', ofTask)
    return session
  }
  const changed = async (actor: Actor, session: Session, work: (trx: Knex.Transaction) => Promise<void>): Promise<void> => {
    await db.transaction(async (trx) => {
      await work(trx)
      const { id: sessionId, projectId, taskId, state } = session
      await appendEvent(trx, actor.orgId, { type: 'session.changed', projectId, sessionId, taskId, state })
    })
    bus.wake(actor.orgId)
  }

  mount(router, context, getSessionAgent, async ({ actor, params }) => {
    const { id } = await get(actor, params.sessionId)
    return {
      turn: await queue.running(actor.orgId, id),
      queued: await queue.list(actor.orgId, { session_id: id }),
      permissions: await requests.list(actor.orgId, { session_id: id }, { open: true }),
      starts: await new TaskStore(db).sessionStarts(actor.orgId, id),
    }
  })
  mount(router, context, editSessionPrompt, async ({ actor, params, body }) => {
    const session = await own(actor, params.sessionId)
    return editQueued(queue, actor, { session_id: session.id }, params.promptId, body.text, (work) => changed(actor, session, work))
  })
  mount(router, context, withdrawSessionPrompt, async ({ actor, params }) => {
    const session = await own(actor, params.sessionId)
    return withdrawQueued(queue, actor, { session_id: session.id }, params.promptId, (work) => changed(actor, session, work))
  })
  mount(router, context, stopSessionTurn, async ({ actor, params }) => {
    const { id: sessionId } = await own(actor, params.sessionId)
    const turn = await queue.running(actor.orgId, sessionId)
    if (turn === null) throw new HelixError('conflict', 'No turn runs: there is nothing to stop.')
    const payload = { promptId: turn.promptId, by: 'person' }
    await enqueue(db, actor.orgId, { kind: 'signalSession', taskId: null, sessionId, signal: 'cancelTurn', payload })
    context.outbox.nudge()
    return {}
  })
  mount(router, context, answerSessionPermission, async ({ actor, params, body }) => {
    const { id, projectId } = await own(actor, params.sessionId)
    return answerRequest(context, actor, projectId, { session_id: id }, params.requestId, body)
  })
  mount(router, context, renameSession, async ({ actor, params, body }) => {
    const session = await get(actor, params.sessionId)
    if (session.taskId !== null) throw new HelixError('conflict', 'The session is called as its task: rename the task.')
    await changed(actor, session, async (trx) => {
      if (!(await sessionLife.rename(trx, actor.orgId, session.id, body.title))) throw new HelixError('not_found')
    })
    return get(actor, session.id)
  })
  return router
}
