import { HelixError } from '@helix/contract/errors'
import { applyProjectConfig, exportProjectConfig } from '@helix/contract/project-config'
import { Router } from 'express'
import type { Context } from '../../context.ts'
import { appendEvent } from '../../events/store.ts'
import { mount } from '../../http/mount.ts'
import { outdated } from '../change.ts'
import { ProjectStore } from '../store.ts'
import { applyParsed, currentConfig, planConfig } from './apply.ts'
import { parseConfig } from './read.ts'
import { writeConfig } from './write.ts'

/** helix.yaml out of a project and into it. */
export function configRoutes(context: Context): Router {
  const router = Router()
  const { db, bus } = context

  mount(router, context, exportProjectConfig, async ({ actor, params }) => {
    const project = await new ProjectStore(db).findSettings(actor.orgId, params.projectId)
    if (project === null) throw new HelixError('not_found')
    return { yaml: writeConfig(await currentConfig(context, db, actor.orgId, project)), version: project.version }
  })
  mount(router, context, applyProjectConfig, async ({ actor, params, body }) => {
    const parsed = parseConfig(body.yaml)
    const { projectId } = params
    if (body.dryRun) {
      const { project, changes, missingSecrets } = await planConfig(context, db, actor, projectId, parsed)
      if (body.expected !== undefined && body.expected !== project.version) throw outdated(project)
      return { unchanged: changes.length === 0, changes, missingSecrets, version: project.version }
    }
    const { project, changes, missingSecrets } = await db.transaction(async (trx) => {
      const applied = await applyParsed(context, trx, actor, projectId, parsed, body.expected)
      const access = applied.changes.some(({ path }) => path === 'visibility' || path.startsWith('members'))
      if (applied.changes.length > 0) await appendEvent(trx, actor.orgId, { type: 'project.changed', projectId })
      if (access) await appendEvent(trx, actor.orgId, { type: 'access.changed' })
      return applied
    })
    bus.wake(actor.orgId)
    context.outbox.nudge()
    const unchanged = changes.length === 0
    return { unchanged, changes, missingSecrets, version: project.version + (unchanged ? 0 : 1) }
  })
  return router
}
