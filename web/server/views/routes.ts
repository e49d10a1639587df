import { HelixError } from '@helix/contract/errors'
import { roleGrants } from '@helix/contract/permissions'
import { createView, deleteView, listViews } from '@helix/contract/views'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { mount } from '../http/mount.ts'
import { ViewStore } from './store.ts'

export function viewRoutes(context: Context): Router {
  const router = Router()
  const store = new ViewStore(context.db)

  mount(router, context, listViews, async ({ actor, params }) => ({
    items: await store.list(actor.orgId, params.projectId, actor.userId),
    nextCursor: null,
  }))
  mount(router, context, createView, async ({ actor, params, body }) => {
    const mayShare = roleGrants(actor.role, 'task:write') && (actor.scopes === null || actor.scopes.includes('task:write'))
    if (body.shared && !mayShare) throw new HelixError('forbidden', 'You need member on this project to share a view.')
    const id = await store.insert(actor.orgId, params.projectId, actor.userId, body)
    const made = (await store.list(actor.orgId, params.projectId, actor.userId)).find((view) => view.id === id)
    if (made === undefined) throw new HelixError('not_found')
    return made
  })
  mount(router, context, deleteView, async ({ actor, params }) => {
    if (!(await store.remove(actor.orgId, params.projectId, actor.userId, params.viewId))) throw new HelixError('not_found')
    return {}
  })
  return router
}
