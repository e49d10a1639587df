import { Router } from 'express'
import type { Context } from '../../context.ts'
import { McpProxy } from './proxy.ts'

/** For agents alone, with the token of their session. */
export function mcpProxyRoutes(context: Context): Router {
  const router = Router()
  const proxy = new McpProxy(context)
  router.all('/mcp/external/:name', (request, response) => proxy.handle(request, response, request.params.name))
  return router
}
