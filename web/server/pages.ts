import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { RequestHandler, Response } from 'express'

const built = new URL('../build/handler.js', import.meta.url)

/**
 * The built SvelteKit app as the last handler. adapter-node takes protocol and host from headers that are set here from our own configuration,
 * never from the client. No body parser may stand before it: its POSTs would hang.
 */
export async function pagesHandler(frontendUrl: string, sockets: { list(): Promise<string[]> }): Promise<RequestHandler> {
  if (!existsSync(built)) {
    return (_request, response) => {
      response.status(503).type('text').send('The pages are not built: run npm run build.')
    }
  }
  process.env.PROTOCOL_HEADER = 'x-helix-protocol'
  const { handler } = (await import(pathToFileURL(built.pathname).href)) as { handler: RequestHandler }
  const protocol = frontendUrl.startsWith('https:') ? 'https' : 'http'
  return async (request, response, next) => {
    request.headers['x-helix-protocol'] = protocol
    openPolicy(response, await sockets.list())
    handler(request, response, next)
  }
}

/** The pages' own policy lets them connect here only. `origins`: where else; which hosts there are is known when a page is sent, and not when it is built. */
export function openPolicy(response: Response, origins: readonly string[]): void {
  if (origins.length === 0) return
  const set = response.setHeader.bind(response)
  response.setHeader = (name, value) =>
    name.toLowerCase() === 'content-security-policy' && typeof value === 'string'
      ? set(name, value.replace(/connect-src 'self'/, `connect-src 'self' ${origins.join(' ')}`))
      : set(name, value)
}
