import { HelixError } from '@helix/contract/errors'
import { getJournal, getSession } from '@helix/contract/sessions'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { mount } from '../http/mount.ts'
import { SessionStore } from './store.ts'

export function sessionRoutes(context: Context): Router {
  const router = Router()
  const store = new SessionStore(context.db)

  mount(router, context, getSession, async ({ actor, params }) => {
    const session = await store.find(actor.orgId, params.sessionId)
    if (session === null) throw new HelixError('not_found')
    return session
  })
  mount(router, context, getJournal, async ({ actor, params, query }) => {
    if ((await store.find(actor.orgId, params.sessionId)) === null) throw new HelixError('not_found')
    const upTo = await store.upTo(actor.orgId, params.sessionId)
    return { entries: await store.entries(actor.orgId, params.sessionId, query), upTo }
  })
  return router
}
