import { HelixError } from '@helix/contract/errors'
import { createPlaygroundKey, getUsage, listTaskCalls, usageExportPath, usageQuery } from '@helix/contract/usage'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { mount, requireActor } from '../http/mount.ts'
import { csvOf } from './csv.ts'
import { createShortKey } from './playground/store.ts'
import { filterOf, usageReport } from './report.ts'
import { usageStore } from './store.ts'

const mostExported = 50_000

/** What models were used and cost, and the key that the playground asks them with. */
export function usageRoutes(context: Context): Router {
  const router = Router()
  mount(router, context, getUsage, async ({ actor, query }) => usageReport(context, actor, query))
  mount(router, context, listTaskCalls, async ({ actor, params, query }) => {
    if (query.cursor !== undefined && !/^\d{1,18}$/.test(query.cursor))
      throw new HelixError('invalid_request', 'cursor: not one that this list gave', { fields: { cursor: 'unknown' } })
    const [found, total] = await Promise.all([
      usageStore.ofTask(context.db, actor.orgId, params.taskId, query.cursor, query.limit + 1),
      usageStore.totalOfTask(context.db, actor.orgId, params.taskId),
    ])
    const items = found.slice(0, query.limit)
    return { items, nextCursor: found.length > items.length ? (items.at(-1)?.id ?? null) : null, total }
  })
  mount(router, context, createPlaygroundKey, async ({ actor }) => createShortKey(context.db, actor.orgId, actor.userId))
  router.get(usageExportPath, async (request, response) => {
    const actor = await requireActor(context, 'project:read', request)
    const query = usageQuery.parse(request.query)
    const filter = await filterOf(context, actor, query)
    const rows = await usageStore.groups(context.db, filter, query.by, mostExported)
    response.setHeader('content-disposition', `attachment; filename="usage-${query.by}-${filter.from}-${filter.to}.csv"`)
    response.type('text/csv; charset=utf-8').send(csvOf(rows))
  })
  return router
}
