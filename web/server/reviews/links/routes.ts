import { HelixError } from '@helix/contract/errors'
import type { OrgId, TaskId } from '@helix/contract/ids'
import { createSpecLink, listSpecLinks, readPublicSpec, revokeSpecLink } from '@helix/contract/reviews'
import { Router } from 'express'
import type { Context } from '../../context.ts'
import { mount } from '../../http/mount.ts'
import { newSecret } from '../../identity/hashing.ts'
import { TaskStore } from '../../tasks/store.ts'
import { readDocuments } from '../documents.ts'
import { ReviewStore } from '../store.ts'
import { LinkStore } from './store.ts'

/** Links that show a task's newest spec to anybody who has them. */
export function specLinkRoutes(context: Context): Router {
  const router = Router()
  const links = new LinkStore(context.db)
  const tasks = new TaskStore(context.db)
  const reviews = new ReviewStore(context.db)

  const get = async (orgId: OrgId, taskId: TaskId) => {
    const task = await tasks.find(orgId, taskId)
    if (task === null) throw new HelixError('not_found')
    return { task, allowed: (await reviews.rules(orgId, task.project_id)).publicLinks }
  }

  mount(router, context, listSpecLinks, async ({ actor, params }) => {
    const { task, allowed } = await get(actor.orgId, params.taskId)
    return { allowed, items: await links.list(actor.orgId, task.id) }
  })
  mount(router, context, createSpecLink, async ({ actor, params, body }) => {
    const { task, allowed } = await get(actor.orgId, params.taskId)
    if (!allowed)
      throw new HelixError('conflict', 'This project lets no public links be made: an administrator can allow them in its settings.')
    const token = newSecret('')
    const link = await links.insert(actor.orgId, task.id, { createdBy: actor.userId, token, days: body.expiresInDays })
    return { ...link, createdBy: actor.userName, url: `${context.config.frontendUrl}/s/${token}` }
  })
  mount(router, context, revokeSpecLink, async ({ actor, params }) => {
    const { task } = await get(actor.orgId, params.taskId)
    if (!(await links.revoke(actor.orgId, task.id, params.linkId))) throw new HelixError('not_found')
    return {}
  })
  // Unknown, ended, taken back and forbidden since are one answer.
  mount(router, context, readPublicSpec, async ({ body }) => {
    const found = await links.open(body.token)
    const task = found === null ? null : await tasks.find(found.orgId, found.taskId)
    const [revision] = task === null ? [] : await reviews.revisions(task.org_id, task.id)
    if (task === null || revision === undefined) throw new HelixError('not_found', 'This link opens nothing, or nothing any more.')
    const documents = await readDocuments(context, tasks, task, revision)
    return { revision: { number: revision.number, createdAt: revision.createdAt }, documents }
  })
  return router
}
