import type { IncomingMessage } from 'node:http'
import type { Config } from '../config.ts'

/** Browsers send the cookie with a WebSocket of any page: only ours may. */
export function fromElsewhere({ frontendUrl }: Pick<Config, 'frontendUrl'>, { headers }: IncomingMessage): boolean {
  if (headers.cookie === undefined || headers.origin === undefined) return false
  return headers.origin !== frontendUrl && URL.parse(headers.origin)?.host !== headers.host
}
