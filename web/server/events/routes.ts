import { HelixError } from '@helix/contract/errors'
import { listEvents } from '@helix/contract/events'
import { roleGrants } from '@helix/contract/permissions'
import { Router } from 'express'
import { AccessMap } from '../access/map.ts'
import { readAccess } from '../access/store.ts'
import type { Context } from '../context.ts'
import { mount } from '../http/mount.ts'
import { resolveActor } from '../identity/principal.ts'
import { newestEventId, readEvents } from './store.ts'
import { EventStreams } from './streams.ts'
import { showsTo } from './viewers.ts'

const pageSize = 200

/** Server-sent events of the caller's organisation, from `Last-Event-ID` on or from now, and the same by page for who gets no stream. */
export function eventRoutes(context: Context): Router {
  const router = Router()
  const streams = new EventStreams(context)

  router.get('/api/v1/events', async (request, response) => {
    const actor = await resolveActor(context, request)
    if (actor === null) throw new HelixError('not_signed_in')
    const { permission } = listEvents
    if (!roleGrants(actor.orgRole, permission) || (actor.scopes !== null && !actor.scopes.includes(permission)))
      throw new HelixError('forbidden', `Events ask for the permission ${permission}.`, { permission })
    const asked = request.header('last-event-id') ?? request.query.lastEventId
    const from = asked === undefined ? null : Number(asked)
    if (from !== null && (!Number.isSafeInteger(from) || from < 0))
      throw new HelixError('invalid_request', 'Last-Event-ID must be a number that this stream sent.')
    await streams.open(request, response, actor, from)
  })

  mount(router, context, listEvents, async ({ query, actor }) => {
    const { orgId } = actor
    const newest = await newestEventId(context.db, orgId)
    if (query.after === undefined) return { events: [], lastEventId: String(newest), more: false, missed: false }
    const after = Number(query.after)
    if (after > newest) return { events: [], lastEventId: String(newest), more: false, missed: true }
    const entries = await readEvents(context.db, orgId, after, pageSize, newest)
    const lastEventId = String(entries.at(-1)?.id ?? after)
    const more = entries.length === pageSize
    if (entries.length === 0) return { events: [], lastEventId, more, missed: false }
    const access = new AccessMap(await readAccess(context.db, orgId))
    const who = { userId: actor.userId, role: actor.orgRole, scopes: actor.scopes }
    const events = entries.flatMap(({ id, event }) => (event !== null && showsTo(access, who, event) ? [{ id: String(id), event }] : []))
    return { events, lastEventId, more, missed: false }
  })

  return router
}
