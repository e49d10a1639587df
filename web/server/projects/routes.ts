import { HelixError } from '@helix/contract/errors'
import { idSchema, type OrgId, type ProjectId } from '@helix/contract/ids'
import { createProject, getProject, listProjects, type Project, updateProject } from '@helix/contract/projects'
import { Router } from 'express'
import { visibleProjects } from '../access/store.ts'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { wakeWaiting } from '../internal/slots.ts'
import { type ProjectChange, ProjectStore } from './store.ts'

/** Goose where it can be served, else Claude Code: only one of the dialects may be configured. */
function defaultRuntime(context: Context): Project['agentRuntime'] {
  const { providers } = context
  return providers.demo || providers.find('openai') !== null ? 'goose_code' : 'claude_code'
}

export function projectRoutes(context: Context): Router {
  const router = Router()
  const store = new ProjectStore(context.db)

  const get = async (orgId: OrgId, id: ProjectId): Promise<Project> => {
    const project = await store.find(orgId, id)
    if (project === null) throw new HelixError('not_found')
    return project
  }

  mount(router, context, listProjects, async ({ actor, query }) => {
    const cursor = idSchema('project').optional().safeParse(query.cursor)
    if (!cursor.success) throw new HelixError('invalid_request', 'cursor: not one that this list gave', { fields: { cursor: 'unknown' } })
    const found = await store.list(actor.orgId, await visibleProjects(context.db, actor), query.limit + 1, cursor.data)
    const items = found.slice(0, query.limit)
    return { items, nextCursor: found.length > items.length ? (items.at(-1)?.id ?? null) : null }
  })
  mount(router, context, createProject, async ({ actor, body }) => {
    const known = await store.knownRepositories(actor.orgId, body.repositoryIds)
    const missing = body.repositoryIds.find((id) => !known.has(id))
    if (missing !== undefined)
      throw new HelixError('invalid_request', `repositoryIds: ${missing} is not a repository of this organisation`, {
        fields: { repositoryIds: 'unknown repository' },
      })
    const project = { ...body, repositoryIds: [...new Set(body.repositoryIds)], agentRuntime: body.agentRuntime ?? defaultRuntime(context) }
    const id = await context.db.transaction(async (trx) => {
      const made = await store.insert(trx, actor.orgId, project)
      await appendEvent(trx, actor.orgId, { type: 'project.changed', projectId: made })
      return made
    })
    context.bus.wake(actor.orgId)
    return get(actor.orgId, id)
  })
  mount(router, context, getProject, async ({ actor, params }) => get(actor.orgId, params.projectId))
  mount(router, context, updateProject, async ({ actor, params, body }) => {
    await context.db.transaction(async (trx) => {
      if (!(await store.update(trx, actor.orgId, params.projectId, body as ProjectChange))) throw new HelixError('not_found')
      for (const phase of ['planning', 'implementing'] as const)
        if (body[`${phase}Limit`] !== undefined) await wakeWaiting(trx, actor.orgId, params.projectId, phase)
      await appendEvent(trx, actor.orgId, { type: 'project.changed', projectId: params.projectId })
    })
    context.bus.wake(actor.orgId)
    context.outbox.nudge()
    return get(actor.orgId, params.projectId)
  })
  return router
}
