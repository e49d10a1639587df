import { HelixError } from '@helix/contract/errors'
import type { RequestHandler } from 'express'

const safe = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Cross-site requests that change something and would carry the cookie are refused. A request without a cookie has nothing to steal. `Origin`
 * must be the request's own host, or the public URL's.
 */
export function sameOrigin(publicOrigin: string): RequestHandler {
  return (request, _response, next) => {
    if (safe.has(request.method) || request.headers.cookie === undefined) return next()
    const origin = request.header('origin')
    const site = request.header('sec-fetch-site')
    const own =
      origin === undefined
        ? site === undefined || site === 'same-origin' || site === 'none'
        : origin === publicOrigin || URL.parse(origin)?.host === request.headers.host
    if (!own) throw new HelixError('cross_site')
    next()
  }
}
