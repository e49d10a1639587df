import { getMe } from '@helix/contract/identity'
import { type Cookies, isHttpError, isRedirect, type RequestEvent, redirect } from '@sveltejs/kit'
import type { Handle, HandleFetch, HandleServerError } from '@sveltejs/kit/hooks'
import { clientOf } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import { themeCookie, themeOf } from '#lib/frame/theme.ts'
import { routes } from '#lib/routes.ts'

const pagesOfPeople = '/(app)'

/** Where this very request came in: the API is on the same port, and the public URL may lead through a proxy. */
function loopback(event: RequestEvent): string {
  const socket = event.platform?.req.socket
  if (socket === undefined) return event.url.origin
  const address = socket.localAddress ?? '127.0.0.1'
  return `http://${address.includes(':') ? `[${address}]` : address}:${socket.localPort}`
}

function passCookies(cookies: Cookies, response: Response): void {
  for (const header of response.headers.getSetCookie()) {
    const [pair = '', ...attributes] = header.split(';').map((part) => part.trim())
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    const maxAge = attributes.find((attribute) => /^max-age=/i.test(attribute))?.slice(8)
    const secure = attributes.some((attribute) => /^secure$/i.test(attribute))
    const expired = attributes.find((attribute) => /^expires=/i.test(attribute))?.slice(8)
    const age = maxAge === undefined ? (expired === undefined ? {} : { expires: new Date(expired) }) : { maxAge: Number(maxAge) }
    cookies.set(name, value, { path: '/', httpOnly: true, sameSite: 'lax', secure, encode: (text) => text, ...age })
  }
}

/** API calls made while rendering go to this process itself, as the person who asked. */
export const handleFetch: HandleFetch = async ({ event, request, fetch: proceed }) => {
  const url = new URL(request.url)
  if (url.origin !== event.url.origin || !url.pathname.startsWith('/api/')) return proceed(request)
  const own = new Request(`${loopback(event)}${url.pathname}${url.search}`, request)
  const cookie = event.request.headers.get('cookie')
  if (cookie !== null) own.headers.set('cookie', cookie)
  // Who really asks, for the list of sessions, the audit log and the counting of attempts.
  own.headers.set('user-agent', event.request.headers.get('user-agent') ?? '')
  const forwarded = event.request.headers.get('x-forwarded-for')
  own.headers.set('x-forwarded-for', [...(forwarded === null ? [] : [forwarded]), event.getClientAddress()].join(', '))
  const response = await fetch(own)
  if (request.method !== 'GET') passCookies(event.cookies, response)
  return response
}

async function requirePrincipal(event: RequestEvent): Promise<void> {
  try {
    event.locals.principal = await clientOf(event.fetch)(getMe, {})
  } catch (error) {
    if (failureOf(error).code !== 'not_signed_in') throw error
    redirect(303, routes.signIn(event.url.pathname + event.url.search))
  }
}

export const handle: Handle = async ({ event, resolve }) => {
  event.locals.principal = null
  if (event.route.id?.startsWith(pagesOfPeople)) await requirePrincipal(event)
  const theme = themeOf(event.cookies.get(themeCookie))
  return resolve(event, { transformPageChunk: ({ html }) => html.replace('%helix.theme%', theme) })
}

export const handleError: HandleServerError = ({ kind, error, event }) => {
  const requestId = event.platform?.req.id
  if (kind === 'unknown' && !isHttpError(error) && !isRedirect(error))
    console.error(JSON.stringify({ requestId, error: String(error) }), error)
  return requestId === undefined ? {} : { requestId: kind === 'app' ? (error.requestId ?? requestId) : requestId }
}
