import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { RequestHandler } from 'express'

const built = new URL('../build/handler.js', import.meta.url)

/**
 * The built SvelteKit app as the last handler. adapter-node takes protocol and host from headers that are set here from our own configuration,
 * never from the client. No body parser may stand before it: its POSTs would hang.
 */
export async function pagesHandler(frontendUrl: string): Promise<RequestHandler> {
  if (!existsSync(built)) {
    return (_request, response) => {
      response.status(503).type('text').send('The pages are not built: run npm run build.')
    }
  }
  process.env.PROTOCOL_HEADER = 'x-helix-protocol'
  const { handler } = (await import(pathToFileURL(built.pathname).href)) as { handler: RequestHandler }
  const protocol = frontendUrl.startsWith('https:') ? 'https' : 'http'
  return (request, response, next) => {
    request.headers['x-helix-protocol'] = protocol
    handler(request, response, next)
  }
}
