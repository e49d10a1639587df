import { HelixError } from '@helix/contract/errors'
import type { OrgId, UserId } from '@helix/contract/ids'
import {
  createOrganisation,
  createTeam,
  deleteTeam,
  leaveOrganisation,
  listOrganisations,
  listPeople,
  listTeams,
  locate,
  type Organisation,
  removePerson,
  switchOrganisation,
  updateOrganisation,
  updatePerson,
  updateTeam,
} from '@helix/contract/organisations'
import { Router } from 'express'
import type { Knex } from 'knex'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { type Actor, mount } from '../http/mount.ts'
import { workIn } from '../identity/active-organisation.ts'
import { SecurityStore } from '../identity/security/store.ts'
import { OrganisationStore } from './store.ts'

/** Owners are made and unmade by owners alone. */
function mayTouch(actor: Actor, roles: readonly (string | null)[]): void {
  if (actor.role !== 'owner' && roles.includes('owner'))
    throw new HelixError('forbidden', 'Only an owner makes, changes or removes an owner.')
}

export function organisationRoutes(context: Context): Router {
  const router = Router()
  const store = new OrganisationStore(context.db)
  const security = new SecurityStore(context.db)

  /** Changes who may see what, and tells every open page. */
  const change = async <T>(orgId: OrgId, work: (trx: Knex) => Promise<T>): Promise<T> => {
    const result = await context.db.transaction(async (trx) => {
      const done = await work(trx)
      await appendEvent(trx, orgId, { type: 'access.changed' })
      return done
    })
    context.bus.wake(orgId)
    return result
  }
  const get = async (userId: UserId, orgId: OrgId): Promise<Organisation> => {
    const found = await store.find(userId, orgId)
    if (found === null) throw new HelixError('not_found')
    return found
  }

  mount(router, context, listOrganisations, async ({ actor }) => ({
    items: (await store.list(actor.userId)).map((one) => ({ ...one, current: one.id === actor.orgId })),
    nextCursor: null,
  }))
  mount(router, context, createOrganisation, async ({ actor, body, request }) => {
    if (actor.via !== 'cookie') throw new HelixError('forbidden', 'An API key belongs to one organisation: sign in to create another.')
    const id = await context.db.transaction((trx) => store.create(trx, actor.userId, body.name))
    await workIn(context, request.headers, id)
    return get(actor.userId, id)
  })
  mount(router, context, updateOrganisation, async ({ actor, body }) => {
    await change(actor.orgId, (trx) => store.rename(trx, actor.orgId, body.name))
    return get(actor.userId, actor.orgId)
  })
  mount(router, context, switchOrganisation, async ({ actor, body, request }) => {
    const found = await get(actor.userId, body.organisationId)
    if (actor.via === 'cookie') await workIn(context, request.headers, found.id)
    else if (found.id !== actor.orgId) throw new HelixError('conflict', 'An API key belongs to one organisation.')
    return found
  })
  mount(router, context, locate, async ({ actor, query }) => ({ organisation: await store.organisationOf(actor.userId, query.id) }))
  mount(router, context, leaveOrganisation, async ({ actor }) => {
    await change(actor.orgId, async (trx) => {
      await store.remove(trx, actor.orgId, actor.userId)
      await security.endWork(trx, actor.orgId, actor.userId)
    })
    return {}
  })

  mount(router, context, listPeople, async ({ actor }) => ({ items: await store.people(actor.orgId), nextCursor: null }))
  mount(router, context, updatePerson, async ({ actor, params, body }) => {
    await change(actor.orgId, async (trx) => {
      const now = await store.roleOf(trx, actor.orgId, params.userId)
      if (now === null) throw new HelixError('not_found')
      mayTouch(actor, [now, body.role])
      await store.setRole(trx, actor.orgId, params.userId, body.role)
    })
    return store.getPerson(actor.orgId, params.userId)
  })
  mount(router, context, removePerson, async ({ actor, params }) => {
    await change(actor.orgId, async (trx) => {
      const now = await store.roleOf(trx, actor.orgId, params.userId)
      if (now === null) throw new HelixError('not_found')
      mayTouch(actor, [now])
      await store.remove(trx, actor.orgId, params.userId)
      await security.endWork(trx, actor.orgId, params.userId)
    })
    return {}
  })

  mount(router, context, listTeams, async ({ actor }) => ({ items: await store.teams(actor.orgId), nextCursor: null }))
  mount(router, context, createTeam, async ({ actor, body }) =>
    store.getTeam(actor.orgId, await change(actor.orgId, (trx) => store.saveTeam(trx, actor.orgId, null, body))),
  )
  mount(router, context, updateTeam, async ({ actor, params, body }) => {
    await store.getTeam(actor.orgId, params.teamId)
    return store.getTeam(actor.orgId, await change(actor.orgId, (trx) => store.saveTeam(trx, actor.orgId, params.teamId, body)))
  })
  mount(router, context, deleteTeam, async ({ actor, params }) => {
    await change(actor.orgId, async (trx) => {
      if (!(await store.deleteTeam(trx, actor.orgId, params.teamId))) throw new HelixError('not_found')
    })
    return {}
  })
  return router
}
