import { HelixError } from '@helix/contract/errors'
import { cordonHost, drainHost, type FleetHost, getFleet, removeHost, setShare, uncordonHost, updateHost } from '@helix/contract/fleet'
import type { HostId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import { Router } from 'express'
import { visibleProjects } from '../../access/store.ts'
import type { Context } from '../../context.ts'
import { HostStore, silentAfter } from '../../hosts/store.ts'
import { type Actor, mount } from '../../http/mount.ts'
import { RegistrationStore } from '../../identity/registration/store.ts'
import { beginDrain } from '../drain.ts'
import { roomChanged } from '../room.ts'
import { PlacementStore } from '../store.ts'
import { hostChanged } from './changed.ts'
import { FleetStore, type Viewer } from './store.ts'

/** Hosts, the queue and shares: seen by who may use the hosts, changed by who administers the installation. */
export function fleetRoutes(context: Context): Router {
  const router = Router()
  const { db } = context
  const store = new FleetStore(db)
  const registration = new RegistrationStore(db, context.config)

  const viewerOf = async (actor: Actor): Promise<Viewer> => ({
    orgId: actor.orgId,
    visible: await visibleProjects(db, actor),
    all: roleGrants(actor.orgRole, 'organisation:write') && (await registration.isHome(actor.orgId)),
  })
  /** To administrators of every other organisation these are not there. */
  const requireHome = async (actor: Actor): Promise<void> => {
    if (!(await registration.isHome(actor.orgId))) throw new HelixError('not_found')
  }
  /** After the commit: those who wait may have a host now, and pages are told. */
  const changed = async (actor: Actor, hostId: HostId): Promise<FleetHost> => {
    await roomChanged(context)
    context.outbox.nudge()
    await hostChanged(context, await store.audience(hostId, await registration.home()), hostId)
    const [host] = await store.hosts(await viewerOf(actor), hostId)
    if (host === undefined) throw new HelixError('not_found')
    return host
  }

  mount(router, context, getFleet, async ({ actor }) => {
    const viewer = await viewerOf(actor)
    const [hosts, queue, shares] = [await store.hosts(viewer), await store.queue(viewer), await store.shares(viewer)]
    const { frontendUrl: controlPlaneUrl, TEMPORAL_ADDRESS: temporalAddress, TEMPORAL_NAMESPACE: temporalNamespace } = context.config
    const enrolment = viewer.all ? { controlPlaneUrl, temporalAddress, temporalNamespace } : null
    return { hosts, queue, shares, mayAdminister: viewer.all, enrolment }
  })
  mount(router, context, updateHost, async ({ actor, params, body }) => {
    await requireHome(actor)
    const { organisationId } = body
    if (organisationId != null && !(await store.organisationExists(organisationId)))
      throw new HelixError('invalid_request', 'There is no such organisation.', {
        fields: { organisationId: 'there is no such organisation' },
      })
    const before = await store.audience(params.hostId, await registration.home())
    if (!(await store.update(params.hostId, body))) throw new HelixError('not_found')
    const host = await changed(actor, params.hostId)
    // Who may not use it any more must see it go.
    if (organisationId != null) await hostChanged(context, before, params.hostId)
    return host
  })
  for (const [endpoint, admission] of [
    [cordonHost, 'cordoned'],
    [uncordonHost, 'open'],
  ] as const)
    mount(router, context, endpoint, async ({ actor, params }) => {
      await requireHome(actor)
      await db.transaction(async (trx) => {
        const placement = new PlacementStore(trx)
        await placement.lock()
        if (!(await new FleetStore(trx).setAdmission(params.hostId, admission))) throw new HelixError('not_found')
        await placement.endReservations()
      })
      return changed(actor, params.hostId)
    })
  mount(router, context, drainHost, async ({ actor, params }) => {
    await requireHome(actor)
    await db.transaction(async (trx) => {
      await new PlacementStore(trx).lock()
      if ((await new HostStore(trx).find(params.hostId)) === null) throw new HelixError('not_found')
      await beginDrain(trx, params.hostId)
      await new PlacementStore(trx).endReservations()
    })
    return changed(actor, params.hostId)
  })
  mount(router, context, removeHost, async ({ actor, params }) => {
    await requireHome(actor)
    const { hostId } = params
    const audience = await store.audience(hostId, await registration.home())
    const host = await db.transaction(async (trx) => {
      await new PlacementStore(trx).lock()
      const row = await new HostStore(trx).find(hostId)
      if (row === null) throw new HelixError('not_found')
      if (row.silent_for < silentAfter)
        throw new HelixError('conflict', `${row.name} is online: stop its process first, or drain it to take its work away.`)
      await new FleetStore(trx).remove(hostId)
      return { id: row.id, name: row.name }
    })
    await hostChanged(context, audience, hostId)
    await roomChanged(context)
    return host
  })
  mount(router, context, setShare, async ({ actor, params, body }) => {
    await requireHome(actor)
    const name = await store.setShare(params.organisationId, body.weight)
    if (name === null) throw new HelixError('not_found')
    await roomChanged(context)
    return { id: params.organisationId, name, weight: body.weight }
  })
  return router
}
