import {
  type Grant,
  getOwnRole,
  listProjectMembers,
  removeProjectMember,
  setProjectMember,
  setProjectVisibility,
} from '@helix/contract/access'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, ProjectId } from '@helix/contract/ids'
import { Router } from 'express'
import type { Knex } from 'knex'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { GrantStore } from './grants/store.ts'

/** Who may see a project, and with which role. */
export function accessRoutes(context: Context): Router {
  const router = Router()
  const store = new GrantStore(context.db)

  const change = async (orgId: OrgId, projectId: ProjectId, work: (trx: Knex) => Promise<void>): Promise<void> => {
    await context.db.transaction(async (trx) => {
      await work(trx)
      await appendEvent(trx, orgId, { type: 'access.changed' })
      await appendEvent(trx, orgId, { type: 'project.changed', projectId })
    })
    context.bus.wake(orgId)
  }

  mount(router, context, getOwnRole, async ({ actor }) => ({ role: actor.role }))
  mount(router, context, listProjectMembers, async ({ actor, params }) => store.membersOf(actor.orgId, params.projectId))
  mount(router, context, setProjectMember, async ({ actor, params, body }): Promise<Grant> => {
    await change(actor.orgId, params.projectId, async (trx) => {
      if (!(await store.put(trx, actor.orgId, params.projectId, params.granteeId, body.role)))
        throw new HelixError('not_found', 'There is no such person or team in this organisation.')
    })
    const { grants } = await store.membersOf(actor.orgId, params.projectId)
    const made = grants.find(({ grantee }) => grantee.id === params.granteeId)
    if (made === undefined) throw new HelixError('not_found')
    return made
  })
  mount(router, context, removeProjectMember, async ({ actor, params }) => {
    await change(actor.orgId, params.projectId, async (trx) => {
      if (!(await store.remove(trx, actor.orgId, params.projectId, params.granteeId))) throw new HelixError('not_found')
    })
    return {}
  })
  mount(router, context, setProjectVisibility, async ({ actor, params, body }) => {
    await change(actor.orgId, params.projectId, (trx) => store.setVisibility(trx, actor.orgId, params.projectId, body.visibility))
    return {}
  })
  return router
}
