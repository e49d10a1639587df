import { HelixError } from '@helix/contract/errors'
import type { SessionId } from '@helix/contract/ids'
import { createSession, listSessions, promptSession, resumeSession, stopSession, suspendSession } from '@helix/contract/session-life'
import type { Session } from '@helix/contract/sessions'
import { Router } from 'express'
import type { Context } from '../../context.ts'
import { appendEvent } from '../../events/store.ts'
import { type Actor, mount } from '../../http/mount.ts'
import { enqueue } from '../../outbox/store.ts'
import { placeEarly, wakeLaterMs } from '../../placement/early.ts'
import { SessionStore } from '../store.ts'
import { createSessionFor } from './create.ts'
import { sessionLife } from './store.ts'

/** Messages that wait for one session without a task. */
const mostWaiting = 50

/** Sessions that people start, stop, suspend and resume. All is carried out by the session's workflow. */
export function sessionLifeRoutes(context: Context): Router {
  const router = Router()
  const { db } = context
  const store = new SessionStore(db)

  const get = async (actor: Actor, id: SessionId): Promise<Session> => {
    const session = await store.find(actor.orgId, id)
    if (session === null) throw new HelixError('not_found')
    return session
  }
  const tell = async (
    actor: Actor,
    { id, taskId }: Pick<Session, 'id' | 'taskId'>,
    signal: 'stopSession' | 'suspend',
    payload: unknown = {},
  ) => {
    await enqueue(db, actor.orgId, { kind: 'tellSession', sessionId: id, taskId, signal, payload })
    context.outbox.nudge()
    return {}
  }

  mount(router, context, createSession, async ({ actor, params, body }) => {
    const { title = null, size, customSize, hostLabels, ...rest } = body
    const machine = { size, customSize, hostLabels }
    return createSessionFor(context, actor, { ...rest, projectId: params.projectId, title, fork: null, machine })
  })
  mount(router, context, listSessions, async ({ actor, params, query }) => {
    const items = await store.list(actor.orgId, params.projectId, query)
    return { items, nextCursor: items.length === query.limit ? (items.at(-1)?.id ?? null) : null }
  })
  mount(router, context, stopSession, async ({ actor, params }) => {
    const session = await get(actor, params.sessionId)
    if (session.taskId !== null) throw new HelixError('conflict', 'The session is its task’s: archive the task, or move it to the backlog.')
    // Asked twice is stopped once.
    if (session.state === 'stopped') return {}
    return tell(actor, session, 'stopSession', { reason: `Stopped by ${actor.userName}` })
  })
  mount(router, context, suspendSession, async ({ actor, params }) => {
    const session = await get(actor, params.sessionId)
    const { state } = session
    if (state === 'running') throw new HelixError('conflict', 'The agent is in the middle of a turn: stop the turn first.')
    if (state === 'stopped') throw new HelixError('conflict', 'The session has stopped: there is nothing to suspend.')
    if (state === 'suspended') return {}
    if (state !== 'idle') throw new HelixError('conflict', 'The session is being started: it can be suspended once it is idle.')
    return tell(actor, session, 'suspend')
  })
  mount(router, context, resumeSession, async ({ actor, params }) => {
    const session = await get(actor, params.sessionId)
    if (session.state === 'stopped') throw new HelixError('conflict', 'The session has stopped and its machine is gone: start another one.')
    const told = { kind: 'tellSession', sessionId: session.id, taskId: session.taskId, signal: 'wake', payload: {} } as const
    await enqueue(db, actor.orgId, told, { laterMs: wakeLaterMs })
    await placeEarly(context, session.id, wakeLaterMs)
    return {}
  })
  mount(router, context, promptSession, async ({ actor, params, body }) => {
    const id = await db.transaction(async (trx) => {
      const session = await sessionLife.lockState(trx, actor.orgId, params.sessionId)
      if (session === null) throw new HelixError('not_found')
      if (session.taskId !== null) throw new HelixError('conflict', 'The session is its task’s: send the message to the task.')
      if (session.state === 'stopped') throw new HelixError('conflict', 'The session has stopped: start another one.')
      if ((await sessionLife.waiting(trx, params.sessionId)) >= mostWaiting)
        throw new HelixError('conflict', `${mostWaiting} messages wait for this agent already.`)
      const promptId = await sessionLife.insertPrompt(trx, {
        orgId: actor.orgId,
        sessionId: params.sessionId,
        authorId: actor.userId,
        ...body,
      })
      await enqueue(trx, actor.orgId, {
        kind: 'tellSession',
        sessionId: params.sessionId,
        taskId: null,
        signal: 'prompt',
        payload: { promptId, mode: body.mode },
      })
      const about = { projectId: session.projectId, sessionId: params.sessionId, taskId: null }
      await appendEvent(trx, actor.orgId, { type: 'session.changed', ...about, state: session.state })
      return promptId
    })
    context.bus.wake(actor.orgId)
    context.outbox.nudge()
    await placeEarly(context, params.sessionId)
    return { id }
  })
  return router
}
