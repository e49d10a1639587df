import { HelixError } from '@helix/contract/errors'
import type { McpServerId, ProjectId } from '@helix/contract/ids'
import {
  checkMcpServer,
  createMcpServer,
  deleteMcpServer,
  listMcpCalls,
  listMcpServers,
  type McpServer,
  type McpServerChange,
  updateMcpServer,
} from '@helix/contract/mcp-servers'
import { Router } from 'express'
import type { Context } from '../../context.ts'
import { checkOutsideUrl } from '../../gateway/catalogue/guard.ts'
import { type Actor, mount } from '../../http/mount.ts'
import { listCalls } from '../calls/store.ts'
import { Upstream } from '../proxy/upstream.ts'
import { checkServer } from './check.ts'
import { McpServerStore } from './store.ts'

const wrong = (field: string, message: string): HelixError =>
  new HelixError('invalid_request', `${field}: ${message}`, { fields: { [field]: message } })

const taken = (name: string): HelixError =>
  new HelixError('conflict', `The project has an MCP server ${name} already: choose another name.`, {
    fields: { name: 'taken: choose another name' },
  })

const way = 'Servers in the own network are for installations that allow them (HELIX_ALLOW_PRIVATE_PROVIDERS).'
/** Of one project: an agent is told of all. */
const mostServers = 30

/** MCP servers of projects, as pages and scripts see them; no answer holds the value of a header. */
export function mcpServerRoutes(context: Context): Router {
  const router = Router()
  const store = new McpServerStore(context.db, context.sealing)
  const allowPrivate = context.config.HELIX_ALLOW_PRIVATE_PROVIDERS === '1'
  const upstream = new Upstream(!allowPrivate)

  const get = async (actor: Actor, projectId: ProjectId, id: McpServerId): Promise<McpServer> => {
    const found = await store.find(actor.orgId, projectId, id)
    if (found === null) throw new HelixError('not_found')
    return found
  }

  const check = async (actor: Actor, projectId: ProjectId, values: McpServerChange): Promise<void> => {
    if (values.url !== undefined) await checkOutsideUrl(values.url, allowPrivate, { field: 'url', way })
    if (values.headers === undefined) return
    const known = await store.secretNames(actor.orgId, projectId)
    for (const [index, { secret }] of values.headers.entries())
      if (!known.has(secret))
        throw wrong(
          `headers.${index}.secret`,
          `there is no secret ${secret} in the project or its organisation: add it under Secrets first`,
        )
  }

  mount(router, context, listMcpServers, async ({ actor, params }) => ({ items: await store.list(actor.orgId, params.projectId) }))
  mount(router, context, createMcpServer, async ({ actor, params, body }) => {
    const { projectId } = params
    await check(actor, projectId, body)
    if ((await store.list(actor.orgId, projectId)).length >= mostServers)
      throw new HelixError('conflict', `A project has at most ${mostServers} MCP servers: remove one first.`)
    const id = await store.insert(actor.orgId, projectId, body, actor.userId)
    if (id === null) throw taken(body.name)
    return get(actor, projectId, id)
  })
  mount(router, context, updateMcpServer, async ({ actor, params, body }) => {
    const { projectId, mcpServerId: id } = params
    const before = await get(actor, projectId, id)
    await check(actor, projectId, body)
    const outcome = await store.update({ orgId: actor.orgId, projectId, id }, body, actor.userId)
    if (outcome === 'taken') throw taken(body.name ?? before.name)
    const now = await get(actor, projectId, id)
    if (outcome === 'done') return now
    const message = `${now.changedBy ?? 'Somebody'} has changed ${now.name} since you opened it. Yours is not saved.`
    throw new HelixError('conflict', message, { changedAt: now.changedAt })
  })
  mount(router, context, deleteMcpServer, async ({ actor, params }) => {
    if (!(await store.remove(actor.orgId, params.projectId, params.mcpServerId))) throw new HelixError('not_found')
    return {}
  })
  mount(router, context, checkMcpServer, async ({ actor, params }) => {
    const server = await store.open(actor.orgId, params.projectId, { id: params.mcpServerId })
    if (server === null) throw new HelixError('not_found')
    return checkServer(upstream, server)
  })
  mount(router, context, listMcpCalls, async ({ actor, params, query }) => {
    const found = await listCalls(context.db, actor.orgId, params.projectId, { ...query, limit: query.limit + 1 })
    const items = found.slice(0, query.limit)
    return { items, nextCursor: found.length > items.length ? (items.at(-1)?.id ?? null) : null }
  })
  return router
}
