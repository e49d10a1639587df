import { HelixError } from '@helix/contract/errors'
import type { OrgId, ProjectId } from '@helix/contract/ids'
import { createLabel, deleteLabel, listLabels, updateLabel } from '@helix/contract/labels'
import { Router } from 'express'
import type { Knex } from 'knex'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { LabelStore } from './store.ts'

export function labelRoutes(context: Context): Router {
  const router = Router()
  const store = new LabelStore(context.db)

  /** Cards show labels: whoever looks at the board reads it again. */
  const change = async <T>(orgId: OrgId, projectId: ProjectId, work: (trx: Knex) => Promise<T>): Promise<T> => {
    const result = await context.db.transaction(async (trx) => {
      const done = await work(trx)
      await appendEvent(trx, orgId, { type: 'project.changed', projectId })
      return done
    })
    context.bus.wake(orgId)
    return result
  }

  mount(router, context, listLabels, async ({ actor, params }) => ({
    items: await store.list(actor.orgId, params.projectId),
    nextCursor: null,
  }))
  mount(router, context, createLabel, ({ actor, params, body }) =>
    change(actor.orgId, params.projectId, (trx) => store.insert(trx, actor.orgId, params.projectId, body)),
  )
  mount(router, context, updateLabel, ({ actor, params, body }) => {
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
    return change(actor.orgId, params.projectId, (trx) => store.update(trx, actor.orgId, params.projectId, params.labelId, given))
  })
  mount(router, context, deleteLabel, async ({ actor, params }) => {
    await change(actor.orgId, params.projectId, async (trx) => {
      if (!(await store.remove(trx, actor.orgId, params.projectId, params.labelId))) throw new HelixError('not_found')
    })
    return {}
  })
  return router
}
