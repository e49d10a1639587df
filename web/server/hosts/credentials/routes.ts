import { enrolHost, protocolRefusal, rotateCredential } from '@helix/contract/enrolment'
import { HelixError } from '@helix/contract/errors'
import { allowEnrolment, askRotation, revokeHost } from '@helix/contract/host-access'
import type { HostId } from '@helix/contract/ids'
import { Router } from 'express'
import type { Context } from '../../context.ts'
import { type Actor, mount } from '../../http/mount.ts'
import { RegistrationStore } from '../../identity/registration/store.ts'
import { HostCredentialStore } from './store.ts'

const refusals = {
  taken:
    'This host id is enrolled with another credential. If it is this machine, which lost its state: let an administrator allow it for 15 minutes (POST /api/v1/hosts/<host id>/enrolment), or delete the host’s state folder to begin as a new host.',
  revoked: 'An administrator revoked this host. To take it in again, delete the credential in its state folder and start it.',
}

/** How hosts come by their credentials, and how administrators of the installation take them away. */
export function hostCredentialRoutes(context: Context): Router {
  const router = Router()
  const store = new HostCredentialStore(context.db)
  const registration = new RegistrationStore(context.db, context.config)

  /** To administrators of every other organisation these are not there. */
  const administer = async (actor: Actor, change: () => Promise<boolean>, hostId: HostId) => {
    if (!(await registration.isHome(actor.orgId))) throw new HelixError('not_found')
    if (!(await change())) throw new HelixError('not_found')
    context.bus.wake(hostId)
    return {}
  }

  mount(router, context, enrolHost, async ({ body }) => {
    const refusal = protocolRefusal(body.protocol)
    if (refusal !== null) throw new HelixError('conflict', refusal)
    const outcome = await store.enrol(body)
    context.log.info({ hostId: body.hostId, version: body.version, protocol: body.protocol, outcome }, 'a host asked to enrol')
    if (outcome !== 'enrolled') throw new HelixError('conflict', refusals[outcome], { outcome })
    return { hostId: body.hostId }
  })
  mount(router, context, rotateCredential, async ({ params, body }) => {
    if (!(await store.rotate(params.hostId, body.credential)))
      throw new HelixError('conflict', 'This credential is or was in use, or the host has none to replace: enrol first.')
    context.log.info({ hostId: params.hostId }, 'a host replaced its credential')
    return {}
  })
  mount(router, context, revokeHost, ({ actor, params }) => administer(actor, () => store.revoke(params.hostId), params.hostId))
  mount(router, context, askRotation, ({ actor, params }) => administer(actor, () => store.askRotation(params.hostId), params.hostId))
  mount(router, context, allowEnrolment, ({ actor, params }) => administer(actor, () => store.allowEnrolment(params.hostId), params.hostId))
  return router
}
