import { HelixError } from '@helix/contract/errors'
import { idSchema, type OrgId, type ProjectId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import {
  archiveProject,
  createProject,
  type DeletedProject,
  deleteProject,
  getProject,
  getProjectSettings,
  listDeletedProjects,
  listProjects,
  type Project,
  type ProjectSettings,
  restoreProject,
  unarchiveProject,
  updateProject,
} from '@helix/contract/projects'
import { Router } from 'express'
import { roleOnDeletedProject, visibleProjects } from '../access/store.ts'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { type Actor, mount } from '../http/mount.ts'
import { changeProject } from './change.ts'
import { readRepositoryConfig } from './config/apply.ts'
import { configRoutes } from './config/routes.ts'
import { insertProject } from './create.ts'
import { deletionStore, goneAt } from './deletion/store.ts'
import { ProjectStore } from './store.ts'

export function projectRoutes(context: Context): Router {
  const router = Router()
  const store = new ProjectStore(context.db)

  const get = async (orgId: OrgId, id: ProjectId): Promise<Project> => {
    const project = await store.find(orgId, id)
    if (project === null) throw new HelixError('not_found')
    return project
  }
  const settings = async (orgId: OrgId, id: ProjectId): Promise<ProjectSettings> => {
    const project = await store.findSettings(orgId, id)
    if (project === null) throw new HelixError('not_found')
    return project
  }

  mount(router, context, listProjects, async ({ actor, query }) => {
    const cursor = idSchema('project').optional().safeParse(query.cursor)
    if (!cursor.success) throw new HelixError('invalid_request', 'cursor: not one that this list gave', { fields: { cursor: 'unknown' } })
    const visible = await visibleProjects(context.db, actor)
    const found = await store.list(actor.orgId, { limit: query.limit + 1, cursor: cursor.data, visible, archived: query.archived })
    const items = found.slice(0, query.limit)
    return { items, nextCursor: found.length > items.length ? (items.at(-1)?.id ?? null) : null }
  })
  mount(router, context, createProject, async ({ actor, body }) => {
    const first = body.repositoryIds[0]
    const config = body.fromHelixYaml && first !== undefined ? await readRepositoryConfig(context, actor.orgId, first) : null
    return get(actor.orgId, await insertProject(context, actor, body, config))
  })
  mount(router, context, getProject, async ({ actor, params }) => get(actor.orgId, params.projectId))
  mount(router, context, getProjectSettings, async ({ actor, params }) => settings(actor.orgId, params.projectId))
  mount(router, context, updateProject, async ({ actor, params, body }) => {
    await changeProject(context, actor, await settings(actor.orgId, params.projectId), body)
    return settings(actor.orgId, params.projectId)
  })
  for (const [endpoint, archived] of [
    [archiveProject, true],
    [unarchiveProject, false],
  ] as const)
    mount(router, context, endpoint, async ({ actor, params }) => {
      await tell(context, actor, params.projectId, (trx) => store.setArchived(trx, actor.orgId, params.projectId, archived))
      return get(actor.orgId, params.projectId)
    })
  router.use(deletionRoutes(context, get))
  router.use(configRoutes(context))
  return router
}

/** Writes and tells everybody, in one transaction; nothing to write is nothing to tell. */
async function tell(
  context: Context,
  actor: Actor,
  projectId: ProjectId,
  write: (trx: Parameters<typeof appendEvent>[0]) => Promise<boolean>,
): Promise<boolean> {
  const written = await context.db.transaction(async (trx) => {
    if (!(await write(trx))) return false
    await appendEvent(trx, actor.orgId, { type: 'project.changed', projectId })
    return true
  })
  context.bus.wake(actor.orgId)
  context.outbox.nudge()
  return written
}

function deletionRoutes(context: Context, get: (orgId: OrgId, id: ProjectId) => Promise<Project>): Router {
  const router = Router()
  mount(router, context, deleteProject, async ({ actor, params, body }) => {
    const project = await get(actor.orgId, params.projectId)
    if (body.name !== project.name)
      throw new HelixError('invalid_request', `name: type "${project.name}" to delete the project`, { fields: { name: 'not its name' } })
    let deletedAt: Date | null = null
    await tell(context, actor, project.id, async (trx) => {
      deletedAt = await deletionStore.hide(trx, actor.orgId, project.id, actor.userId)
      return deletedAt !== null
    })
    if (deletedAt === null) throw new HelixError('not_found')
    return { goneAt: goneAt(deletedAt).toISOString() }
  })
  mount(router, context, listDeletedProjects, async ({ actor }) => {
    const items: DeletedProject[] = []
    for (const project of await deletionStore.list(context.db, actor.orgId)) {
      const role = await roleOnDeletedProject(context.db, actor, project.id)
      if (role !== null && roleGrants(role, restoreProject.permission)) items.push(project)
    }
    return { items }
  })
  mount(router, context, restoreProject, async ({ actor, params }) => {
    const id = params.deletedProjectId
    if (!(await tell(context, actor, id, (trx) => deletionStore.restore(trx, actor.orgId, id, actor.userId))))
      throw new HelixError('not_found')
    return get(actor.orgId, id)
  })
  return router
}
