import { HelixError } from '@helix/contract/errors'
import { roleGrants } from '@helix/contract/permissions'
import { openDesktop } from '@helix/contract/stream-tickets'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { HostStore } from '../hosts/store.ts'
import { type Actor, mount, requireActor } from '../http/mount.ts'
import { desktopUrls } from './addresses.ts'

/** What steering a session takes. */
const steering = 'task:write' as const

/** Also the scopes of a key, where it has some. */
const maySteer = ({ role, scopes }: Actor): boolean => roleGrants(role, steering) && (scopes === null || scopes.includes(steering))

/** Tickets for the desktops of sessions. */
export function desktopRoutes(context: Context): Router {
  const router = Router()
  const hosts = new HostStore(context.db)

  mount(router, context, openDesktop, async ({ params, body, actor, request }) => {
    if (body.right === 'control') await requireActor(context, steering, request)
    const right = body.right ?? (maySteer(actor) ? 'control' : 'view')
    const { sessionId } = params
    const { hostId, hostName, epoch, desktops } = await context.tunnels.locate(sessionId)
    if (!desktops)
      throw new HelixError('conflict', 'The project has no desktops: turn them on in its settings, then suspend the session and resume it.')
    const stream = (await hosts.find(hostId))?.report?.stream
    if (stream === undefined)
      throw new HelixError(
        'machine_unavailable',
        `The sandbox host ${hostName} shows no desktops: it is older than this version, upgrade it.`,
      )
    // Who opens it is about to use the machine: it is not suspended under their eyes.
    context.use.touch(sessionId)
    const { userId, userName: name } = actor
    const made = context.streamTickets.make({ hostId, sessionId, epoch, userId, name, right })
    return { ...made, right, urls: desktopUrls(context.config, hostId, sessionId, stream.url) }
  })
  return router
}
