import { createHmac } from 'node:crypto'
import type { UserId } from '@helix/contract/ids'
import type { Request, Response } from 'express'
import type { Context } from '../../context.ts'
import { cookieName, sessionDays } from '../principal.ts'
import type { Auth } from './auth.ts'

export const headersOf = (request: Request): Headers => {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) if (value !== undefined) headers.set(name, String(value))
  headers.set('x-forwarded-for', request.ip ?? '')
  return headers
}

/** Hands the cookies of better-auth's answer on; the answer itself is for our own contract to word. */
export function passCookies(from: globalThis.Response, to: Response): void {
  for (const cookie of from.headers.getSetCookie()) to.append('set-cookie', cookie)
}

/** A new session of this person in this browser; the token changes at every sign-in, so one planted before is worth nothing after. */
export async function openSession(
  context: Pick<Context, 'config'>,
  auth: Auth,
  userId: UserId,
  request: Request,
  response: Response,
): Promise<void> {
  const { internalAdapter, secret } = await auth.$context
  const session = await internalAdapter.createSession(userId, false, {
    ipAddress: request.ip ?? '',
    userAgent: request.header('user-agent') ?? '',
  })
  const { secure } = context.config
  const value = `${session.token}.${createHmac('sha256', secret).update(session.token).digest('base64')}`
  response.cookie(cookieName(secure), value, { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge: sessionDays * 86_400_000 })
}
