import { HelixError } from '@helix/contract/errors'
import { getHostLogs } from '@helix/contract/host-logs'
import { readHostLogs } from '@helix/contract/internal'
import { Router } from 'express'
import { recordAudit } from '../../audit/store.ts'
import type { Context } from '../../context.ts'
import { mount } from '../../http/mount.ts'
import { RegistrationStore } from '../../identity/registration/store.ts'
import { HostStore } from '../store.ts'

/** Logs of hosts, for who administers the installation. */
export function hostLogRoutes(context: Context): Router {
  const router = Router()
  const registration = new RegistrationStore(context.db, context.config)
  const hosts = new HostStore(context.db)

  mount(router, context, getHostLogs, async ({ actor, params, query, request, requestId }) => {
    const host = (await registration.isHome(actor.orgId)) ? await hosts.find(params.hostId) : null
    if (host === null) throw new HelixError('not_found')
    const answer = await context.hostLogs.read(host.id, host.name, query)
    // Who goes on reading has been written down when they began.
    if (query.after === undefined)
      await recordAudit(context.db, {
        orgId: actor.orgId,
        actorId: actor.userId,
        actorName: actor.userName,
        via: actor.via,
        action: 'readHostLogs',
        target: { kind: 'host', id: host.id, name: host.name },
        details: { level: query.level },
        projectId: actor.projectId,
        requestId,
        address: request.ip ?? null,
        userAgent: request.header('user-agent') ?? null,
      })
    return answer
  })
  mount(router, context, readHostLogs, async ({ params, query }) => {
    const answer = context.hostLogs.readHere(params.hostId, query)
    if (answer === null) throw new HelixError('machine_unavailable', 'The host connects anew: try again.')
    return answer
  })
  return router
}
