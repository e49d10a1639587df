import { HelixError } from '@helix/contract/errors'
import { claimSession, fetchPrompt, listHostSessions, recordStart } from '@helix/contract/hosts'
import { listHosts } from '@helix/contract/system'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { claimSessionFor } from './claims.ts'
import { HostStore } from './store.ts'

/** What people see of hosts, and what hosts ask with their runner token. */
export function hostRoutes(context: Context): Router {
  const router = Router()
  const { db } = context
  const store = new HostStore(db)

  mount(router, context, listHosts, async () => ({ items: await store.list(), nextCursor: null }))
  mount(router, context, claimSession, async ({ params, body }) => claimSessionFor(context, { ...params, ...body }))
  mount(router, context, recordStart, async ({ params, body }) => {
    const orgId = await db.transaction(async (trx) => {
      const session = await trx('agent_sessions').where({ id: params.sessionId, host_id: params.hostId }).forUpdate().first()
      if (session === undefined) throw new HelixError('not_found')
      if (session.epoch !== body.epoch) throw new HelixError('epoch_outdated')
      const row = {
        session_id: session.id,
        epoch: body.epoch,
        org_id: session.org_id,
        reason: body.reason,
        stages: JSON.stringify(body.stages),
      }
      await trx('session_starts').insert(row).onConflict(['session_id', 'epoch']).ignore()
      if (session.state === 'starting')
        await trx('agent_sessions').where({ id: session.id }).update({ state: 'idle', started_at: trx.fn.now() })
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
  mount(router, context, fetchPrompt, async ({ params }) => {
    const row = await db('prompts as p')
      .join('agent_sessions as s', 's.id', 'p.session_id')
      .leftJoin('users as u', 'u.id', 'p.author_id')
      .where({ 'p.id': params.promptId, 's.host_id': params.hostId })
      .first('p.id', 'p.kind', 'p.text', 'u.name')
    if (row === undefined) throw new HelixError('not_found')
    return {
      promptId: row.id,
      origin: row.kind === 'person' ? ('person' as const) : ('workflow' as const),
      author: row.name ?? null,
      text: row.text,
    }
  })
  mount(router, context, listHostSessions, async ({ params }) => {
    const rows = await db('agent_sessions').where({ host_id: params.hostId }).whereNot('state', 'stopped').select('id', 'epoch', 'state')
    return { sessions: rows.map((row) => ({ sessionId: row.id, epoch: row.epoch, state: row.state })) }
  })
  return router
}
