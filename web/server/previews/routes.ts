import { HelixError } from '@helix/contract/errors'
import { idSchema } from '@helix/contract/ids'
import { listPorts, machinePort, openPreviewPath, sharePort } from '@helix/contract/machine-use'
import { Router } from 'express'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { mount, requireActor } from '../http/mount.ts'
import { askMachineJson } from '../machine/client.ts'
import { noPreviews, previewOrigin } from './host-name.ts'
import { enterPath } from './proxy.ts'
import { shareStore } from './shares/store.ts'
import { ticketStore } from './tickets/store.ts'

const answer = z.object({ items: z.array(machinePort).max(70_000) })
const portParam = z.coerce.number().int().min(1).max(65_535)

/** Ports of sessions, who may see them, and the way to them. */
export function previewRoutes(context: Context): Router {
  const router = Router()
  const { db, config } = context

  mount(router, context, listPorts, async ({ params }) => {
    const { sessionId } = params
    const found = answer.safeParse(await askMachineJson(context, sessionId, { method: 'GET', path: '/ports', deadlineMs: 20_000 }))
    if (!found.success) throw new HelixError('machine_unavailable', 'The session’s machine answers nonsense.')
    const shared = await shareStore.ofSession(db, sessionId)
    const items = found.data.items.map(({ port, process }) => ({
      port,
      process,
      url: previewOrigin(config, { sessionId, port }),
      shared: shared.has(port),
    }))
    return { items, problem: config.previewDomain === null ? noPreviews : null }
  })
  mount(router, context, sharePort, async ({ actor, params, body }) => {
    await shareStore.set(db, actor.orgId, params.sessionId, params.port, actor.userId, body.shared)
    return { shared: body.shared }
  })
  router.get(openPreviewPath, async (request, response) => {
    const actor = await requireActor(context, 'task:write', request)
    const host = { sessionId: idSchema('session').parse(request.params.sessionId), port: portParam.parse(request.params.port) }
    const origin = previewOrigin(config, host)
    if (origin === null) throw new HelixError('conflict', noPreviews)
    const ticket = await ticketStore.mint(db, host, actor.orgId, actor.userId)
    const to = typeof request.query.to === 'string' ? request.query.to : '/'
    response.setHeader('cache-control', 'no-store')
    response.setHeader('referrer-policy', 'no-referrer')
    response.redirect(302, `${origin}${enterPath}?ticket=${ticket}&to=${encodeURIComponent(to)}`)
  })
  return router
}
