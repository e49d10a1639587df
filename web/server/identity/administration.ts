import { createConnection, deleteConnection, listConnections, updateConnection } from '@helix/contract/connections'
import { HelixError } from '@helix/contract/errors'
import type { OrgId } from '@helix/contract/ids'
import { createServiceAccount, deactivatePerson, reactivatePerson } from '@helix/contract/people'
import { getRegistration, updateRegistration } from '@helix/contract/registration'
import { Router } from 'express'
import type { Knex } from 'knex'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { type Actor, mount } from '../http/mount.ts'
import { OrganisationStore } from '../organisations/store.ts'
import type { AuthSource } from './auth/source.ts'
import { checkIssuer } from './connections/issuer.ts'
import { type Connection, ConnectionStore } from './connections/store.ts'
import { RegistrationStore } from './registration/store.ts'
import { SecurityStore } from './security/store.ts'

/** What administrators decide about accounts: connections, registration, deactivation, service accounts. */
export function identityAdministrationRoutes(context: Context, source: AuthSource): Router {
  const router = Router()
  const connections = new ConnectionStore(context.db, context.sealing)
  const registration = new RegistrationStore(context.db, context.config)
  const security = new SecurityStore(context.db)
  const organisations = new OrganisationStore(context.db)
  const local = context.config.HELIX_ALLOW_LOCAL_IMPORT === '1'

  const shown = (one: Connection): Connection => ({ ...one, callbackUrl: `${context.config.frontendUrl}/api/auth/callback/${one.id}` })
  const noOwners = (actor: Actor, roles: readonly (string | null)[]): void => {
    if (actor.role !== 'owner' && roles.includes('owner')) throw new HelixError('forbidden', 'Only an owner gives or takes ownership.')
  }
  /** Who says whom to believe can be anybody: accounts are the installation's, not one organisation's. */
  const requireHome = async (actor: Actor): Promise<void> => {
    if (!(await registration.isHome(actor.orgId)))
      throw new HelixError('forbidden', 'Connections are made by the administrators of the installation’s first organisation.')
  }
  const change = async (orgId: OrgId, work: (trx: Knex) => Promise<void>): Promise<void> => {
    await context.db.transaction(async (trx) => {
      await work(trx)
      await appendEvent(trx, orgId, { type: 'access.changed' })
    })
    context.bus.wake(orgId)
  }

  mount(router, context, listConnections, async ({ actor }) => ({
    items: (await connections.list(actor.orgId)).map(shown),
    nextCursor: null,
  }))
  mount(router, context, createConnection, async ({ actor, body }) => {
    await requireHome(actor)
    noOwners(actor, [body.defaultRole, ...Object.values(body.groupRoles)])
    await checkIssuer(body.kind, body.issuer, local)
    const made = await connections.put(actor.orgId, null, body)
    if (made === null) throw new HelixError('not_found')
    source.forget(made.id)
    return shown(made)
  })
  mount(router, context, updateConnection, async ({ actor, params, body }) => {
    noOwners(actor, [body.defaultRole ?? null, ...Object.values(body.groupRoles ?? {})])
    const known = (await connections.list(actor.orgId)).find(({ id }) => id === params.connectionId)
    if (known === undefined) throw new HelixError('not_found')
    await requireHome(actor)
    if (body.issuer !== undefined) await checkIssuer(known.kind, body.issuer, local)
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
    const made = await connections.put(actor.orgId, params.connectionId, given)
    if (made === null) throw new HelixError('not_found')
    source.forget(made.id)
    return shown(made)
  })
  mount(router, context, deleteConnection, async ({ actor, params }) => {
    if (!(await connections.remove(actor.orgId, params.connectionId))) throw new HelixError('not_found')
    source.forget(params.connectionId)
    return {}
  })
  mount(router, context, getRegistration, async ({ actor }) => ({
    ...(await registration.get()),
    mayChange: await registration.isHome(actor.orgId),
  }))
  mount(router, context, updateRegistration, async ({ actor, body }) => {
    if (!(await registration.isHome(actor.orgId)))
      throw new HelixError('forbidden', 'Registration is decided by the administrators of the installation’s first organisation.')
    await registration.set(body)
    return body
  })
  mount(router, context, deactivatePerson, async ({ actor, params }) => {
    const role = await organisations.roleOf(context.db, actor.orgId, params.userId)
    if (role === null) throw new HelixError('not_found')
    noOwners(actor, [role])
    if (params.userId === actor.userId) throw new HelixError('conflict', 'Somebody else has to deactivate you.')
    await change(actor.orgId, async (trx) => {
      await organisations.keepAnOwner(trx, actor.orgId, params.userId)
      await security.deactivate(trx, actor.orgId, params.userId)
    })
    return {}
  })
  mount(router, context, reactivatePerson, async ({ actor, params }) => {
    const role = await organisations.roleOf(context.db, actor.orgId, params.userId)
    if (role === null) throw new HelixError('not_found')
    noOwners(actor, [role])
    await change(actor.orgId, async (trx) => {
      await security.reactivate(trx, actor.orgId, params.userId)
    })
    return {}
  })
  mount(router, context, createServiceAccount, async ({ actor, body }) => {
    noOwners(actor, [body.role])
    const id = context.newId('user')
    await change(actor.orgId, (trx) => security.insertService(trx, actor.orgId, id, body.name, body.role))
    return { id, name: body.name }
  })
  return router
}
