import { forkCheckpoint, listCheckpoints } from '@helix/contract/checkpoints'
import { HelixError } from '@helix/contract/errors'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { mount } from '../http/mount.ts'
import { createSessionFor } from '../sessions/life/create.ts'
import { SessionStore } from '../sessions/store.ts'
import { checkpointStore } from './store.ts'

/** What is kept of a session, and new sessions from it. */
export function checkpointRoutes(context: Context): Router {
  const router = Router()
  const { db } = context
  const sessions = new SessionStore(db)

  mount(router, context, listCheckpoints, async ({ actor, params, query }) => {
    if ((await sessions.find(actor.orgId, params.sessionId)) === null) throw new HelixError('not_found')
    const before = query.cursor === undefined ? null : Number(query.cursor)
    if (before !== null && !Number.isSafeInteger(before)) throw new HelixError('invalid_request', 'cursor: not one of this list')
    const items = await checkpointStore.list(db, actor.orgId, params.sessionId, before, query.limit)
    return { items, nextCursor: items.length === query.limit ? String(items.at(-1)?.n) : null }
  })
  mount(router, context, forkCheckpoint, async ({ actor, params: { sessionId, n }, body }) => {
    const source = await sessions.find(actor.orgId, sessionId)
    if (source === null || (await checkpointStore.find(db, sessionId, n)) === null) throw new HelixError('not_found')
    const title = body.title ?? `${source.title ?? 'Session'}, from checkpoint ${n}`.slice(0, 120)
    return createSessionFor(context, actor, {
      projectId: source.projectId,
      title,
      fork: { sessionId, n, agentRuntime: source.agentRuntime },
    })
  })
  return router
}
