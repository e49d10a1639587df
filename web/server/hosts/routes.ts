import { HelixError } from '@helix/contract/errors'
import { claimSession, fetchPrompt, listHostSessions, recordStart, reportProgress, reportSuspension } from '@helix/contract/hosts'
import { listHosts } from '@helix/contract/system'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { attachmentsText } from '../internal/prompts.ts'
import { SessionStore } from '../sessions/store.ts'
import { claimSessionFor } from './claims.ts'
import { noteProgress } from './progress.ts'
import { HostStore } from './store.ts'
import { noteSuspension } from './suspensions.ts'

/** What people see of hosts, and what hosts ask with their runner token. */
export function hostRoutes(context: Context): Router {
  const router = Router()
  const { db } = context
  const store = new HostStore(db)
  const sessions = new SessionStore(db)

  mount(router, context, listHosts, async ({ actor }) => ({ items: await store.list(actor.orgId), nextCursor: null }))
  mount(router, context, claimSession, async ({ params, body }) => claimSessionFor(context, { ...params, ...body }))
  mount(router, context, recordStart, async ({ params, body }) => {
    const orgId = await db.transaction(async (trx) => {
      const session = await sessions.lock(trx, params.hostId, params.sessionId)
      if (session === null) throw new HelixError('not_found')
      if (session.epoch !== body.epoch) throw new HelixError('epoch_outdated')
      await sessions.recordStart(trx, session, body)
      await appendEvent(trx, session.org_id, {
        type: 'session.changed',
        projectId: session.project_id,
        sessionId: session.id,
        taskId: session.task_id,
        state: 'idle',
      })
      return session.org_id
    })
    context.bus.wake(orgId)
    return {}
  })
  mount(router, context, reportProgress, async ({ params, body }) => {
    await noteProgress(context, { ...params, ...body })
    return {}
  })
  mount(router, context, reportSuspension, async ({ params, body }) => {
    await noteSuspension(context, { ...params, ...body })
    return {}
  })
  mount(router, context, fetchPrompt, async ({ params }) => {
    const prompt = await sessions.promptFor(params.hostId, params.promptId)
    if (prompt === null) throw new HelixError('not_found')
    const files = await sessions.filesOf(prompt.promptId)
    const attachments = files.map((file) => ({ ...file, url: `${context.config.sessionUrl}${file.url}` }))
    return { ...prompt, text: prompt.text + attachmentsText({ attachments }) }
  })
  mount(router, context, listHostSessions, async ({ params }) => ({
    sessions: await sessions.livingOn(params.hostId),
    ...(await store.imagesWanted()),
  }))
  return router
}
