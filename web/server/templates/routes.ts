import { HelixError } from '@helix/contract/errors'
import { createTemplate, deleteTemplate, listTemplates } from '@helix/contract/templates'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { mount } from '../http/mount.ts'
import { TemplateStore } from './store.ts'

export function templateRoutes(context: Context): Router {
  const router = Router()
  const store = new TemplateStore(context.db)

  mount(router, context, listTemplates, async ({ actor, params }) => ({
    items: await store.list(actor.orgId, params.projectId),
    nextCursor: null,
  }))
  mount(router, context, createTemplate, ({ actor, params, body }) => store.put(actor.orgId, params.projectId, actor.userId, body))
  mount(router, context, deleteTemplate, async ({ actor, params }) => {
    if (!(await store.remove(actor.orgId, params.projectId, params.templateId))) throw new HelixError('not_found')
    return {}
  })
  return router
}
