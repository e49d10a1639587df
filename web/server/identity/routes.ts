import { HelixError } from '@helix/contract/errors'
import {
  createApiKey,
  getMe,
  listApiKeys,
  type PrincipalAnswer,
  revokeApiKey,
  setPassword,
  signInWithLink,
  signInWithPassword,
  signOut,
} from '@helix/contract/identity'
import type { OrgId, UserId } from '@helix/contract/ids'
import { createSignInLink } from '@helix/contract/internal'
import { type Request, type Response, Router } from 'express'
import type { Context } from '../context.ts'
import { mount } from '../http/mount.ts'
import { cookieName, cookieOf } from './principal.ts'
import { IdentityStore } from './store.ts'
import { Throttle } from './throttle.ts'

const sessionDays = 30

/** Sign-in, the own account and API keys. */
export function identityRoutes(context: Context): Router {
  const router = Router()
  const store = new IdentityStore(context.db)
  const throttle = new Throttle()
  const { secure, frontendUrl } = context.config
  const name = cookieName(secure)

  const describe = async (orgId: OrgId, userId: UserId, via: PrincipalAnswer['via']): Promise<PrincipalAnswer> => ({
    ...(await store.getPerson(orgId, userId)),
    via,
  })

  /** The token changes at every sign-in: one planted before is worth nothing after. */
  const signIn = async (userId: UserId | null, request: Request, response: Response): Promise<PrincipalAnswer> => {
    if (userId === null) throw new HelixError('sign_in_failed')
    const old = cookieOf(request.headers, name)
    if (old !== null) await store.closeSession(old)
    const token = await store.openSession(userId, sessionDays)
    response.cookie(name, token, { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge: sessionDays * 86_400_000 })
    return describe(await store.orgOfUser(userId), userId, 'cookie')
  }

  mount(router, context, signInWithLink, async ({ body, request, response }) => {
    throttle.count(`link ${request.ip}`)
    return signIn(await store.useLink(body.token), request, response)
  })
  mount(router, context, signInWithPassword, async ({ body, request, response }) => {
    throttle.count(`password ${request.ip} ${body.email.toLowerCase()}`)
    return signIn(await store.checkPassword(body.email, body.password), request, response)
  })
  mount(router, context, signOut, async ({ request, response }) => {
    const token = cookieOf(request.headers, name)
    if (token !== null) await store.closeSession(token)
    response.clearCookie(name, { path: '/', secure })
    return {}
  })
  mount(router, context, getMe, async ({ actor }) => describe(actor.orgId, actor.userId, actor.via))
  mount(router, context, setPassword, async ({ actor, body, request }) => {
    const { hasPassword } = await store.getPerson(actor.orgId, actor.userId)
    if (hasPassword) throttle.count(`change ${actor.userId}`)
    if (hasPassword && !(await store.passwordIs(actor.userId, body.current ?? '')))
      throw new HelixError('sign_in_failed', 'The current password does not match.')
    await store.setPassword(actor.userId, body.next, cookieOf(request.headers, name))
    return {}
  })
  mount(router, context, listApiKeys, async ({ actor }) => ({
    items: await store.listApiKeys(actor.orgId, actor.userId),
    nextCursor: null,
  }))
  mount(router, context, createApiKey, async ({ actor, body }) => store.createApiKey(actor.orgId, actor.userId, body.name))
  mount(router, context, revokeApiKey, async ({ actor, params }) => {
    if (!(await store.revokeApiKey(actor.orgId, actor.userId, params.apiKeyId))) throw new HelixError('not_found')
    return {}
  })
  mount(router, context, createSignInLink, async () => {
    const token = await store.createLink(await store.ensureAdministrator())
    return { token, url: `${frontendUrl}/sign-in?token=${token}` }
  })
  return router
}
