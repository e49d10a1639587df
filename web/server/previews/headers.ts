import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

/** RFC 9110, 7.6.1: they are about one connection and not about the message. */
const ofConnection = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const own = /^(__Host-)?helix(-preview)?$/

/** Cookies of the application alone: ours open our own host and must not reach what an agent wrote. */
export function cookiesWithoutOurs(cookie: string | undefined): string | undefined {
  const kept = cookie?.split(';').filter((part) => !own.test(part.split('=')[0]?.trim() ?? ''))
  return kept === undefined || kept.length === 0 ? undefined : kept.join(';').trim()
}

/**
 * What the application is asked with. It hears the name it listens on, which servers for development insist on, and is told the real one.
 * `origin`: the preview's own.
 */
export function toApplication(
  headers: IncomingHttpHeaders,
  origin: string,
  port: number,
  keep: readonly string[] = [],
): OutgoingHttpHeaders {
  const { host, protocol } = new URL(origin)
  const local = `localhost:${port}`
  const given: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(headers)) {
    if (ofConnection.has(name) && !keep.includes(name)) continue
    if (value !== undefined) given[name] = value
  }
  delete given.cookie
  const cookie = cookiesWithoutOurs(headers.cookie)
  return {
    ...given,
    ...(cookie === undefined ? {} : { cookie }),
    ...(headers.origin === origin ? { origin: `http://${local}` } : {}),
    ...(headers.referer?.startsWith(`${origin}/`) ? { referer: `http://${local}${headers.referer.slice(origin.length)}` } : {}),
    host: local,
    'x-forwarded-host': host,
    'x-forwarded-proto': protocol.replace(':', ''),
  }
}

/** A cookie of the application stays on the preview's host, and is none of ours. */
function cookieOfApplication(cookie: string): string | null {
  if (own.test(cookie.split('=')[0]?.trim() ?? '')) return null
  return cookie
    .split(';')
    .filter((part) => !/^\s*domain\s*=/i.test(part))
    .join(';')
}

/** What the browser is answered with. */
export function fromApplication(headers: IncomingHttpHeaders, origin: string, port: number): OutgoingHttpHeaders {
  const given: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(headers)) if (!ofConnection.has(name) && value !== undefined) given[name] = value
  const cookies = headers['set-cookie']?.map(cookieOfApplication).filter((cookie): cookie is string => cookie !== null)
  if (cookies !== undefined) given['set-cookie'] = cookies
  const local = new RegExp(`^https?://(localhost|127\\.0\\.0\\.1|\\[::1\\]):${port}(?=/|$)`)
  if (headers.location !== undefined) given.location = headers.location.replace(local, origin)
  // An https preview must not pin http of other hosts, and search engines have no business here.
  delete given['strict-transport-security']
  given['x-robots-tag'] = 'noindex'
  return given
}
