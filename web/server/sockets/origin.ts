import type { IncomingMessage } from 'node:http'

/** A WebSocket that a page of somebody else opens: browsers say where it is from. `publicOrigin`: ours. */
export function foreignOrigin(publicOrigin: string, { headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return false
  return headers.origin !== publicOrigin && URL.parse(headers.origin)?.host !== headers.host
}
