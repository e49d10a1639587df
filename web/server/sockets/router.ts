import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

/** `params`: of the path's pattern. A handler that rejects ends its socket. */
export type UpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  params: Readonly<Record<string, string>>,
) => void | Promise<void>

/** Null: the path is not of this pattern. Patterns are Express's simplest: `/a/:name/b`, and `/a/*` for all that is below. */
export function paramsOf(pattern: string, path: string): Record<string, string> | null {
  const open = pattern.endsWith('/*')
  const [wanted, given] = [(open ? pattern.slice(0, -2) : pattern).split('/'), path.split('/')]
  if (open ? given.length <= wanted.length : wanted.length !== given.length) return null
  const params: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? ''
    if (part.startsWith(':') && value !== '') params[part.slice(1)] = decoded(value)
    else if (part !== value) return null
  }
  return params
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** One upgrade router for the process: a pattern has one handler, everything else is refused. `first` may take what is not for our own host. */
export function routeUpgrades(
  server: Server,
  handlers: ReadonlyMap<string, UpgradeHandler>,
  first?: (request: IncomingMessage) => UpgradeHandler | null,
): void {
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const foreign = first?.(request) ?? null
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const run = (handler: UpgradeHandler, params: Record<string, string>): void =>
      void Promise.resolve(handler(request, socket, head, params)).catch(() => socket.destroy())
    if (foreign !== null) return run(foreign, {})
    for (const [pattern, handler] of handlers) {
      const params = paramsOf(pattern, path)
      if (params !== null) return run(handler, params)
    }
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
  })
}
