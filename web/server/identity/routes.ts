import { HelixError } from '@helix/contract/errors'
import { createApiKey, getMe, listApiKeys, revokeApiKey, signOut } from '@helix/contract/identity'
import { createSignInLink } from '@helix/contract/internal'
import { roleGrants } from '@helix/contract/permissions'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { type Actor, mount } from '../http/mount.ts'
import { accountRoutes } from './account.ts'
import { identityAdministrationRoutes } from './administration.ts'
import { authRoutes } from './auth/routes.ts'
import { AuthSource } from './auth/source.ts'
import { cookieName, sessionTokenOf } from './principal.ts'
import { SecurityStore } from './security/store.ts'
import { signInRoutes } from './sign-in.ts'
import { signUpRoutes } from './sign-up.ts'
import { IdentityStore } from './store.ts'

const dayMs = 86_400_000

/** Sign-in, the own account and API keys. */
export function identityRoutes(context: Context): Router {
  const router = Router()
  const store = new IdentityStore(context.db)
  const security = new SecurityStore(context.db)
  const source = new AuthSource(context)
  const { secure, frontendUrl } = context.config
  router.use(authRoutes(context, source))
  router.use(signInRoutes(context, source))
  router.use(signUpRoutes(context, source))
  router.use(accountRoutes(context, source))
  router.use(identityAdministrationRoutes(context, source))

  /** A service account that may no more than who asks. */
  const looksAfter = async (actor: Actor, userId: Actor['userId']): Promise<boolean> => {
    if (!roleGrants(actor.role, 'organisation:write') || actor.scopes?.includes('organisation:write') === false) return false
    const role = await security.roleOfService(actor.orgId, userId)
    return role !== null && (role !== 'owner' || actor.role === 'owner')
  }
  /** Whose key it is about: the own one, or a service account's for those who may. */
  const ownerOf = async (actor: Actor, userId: Actor['userId'] | undefined): Promise<Actor['userId']> => {
    if (userId === undefined || userId === actor.userId) return actor.userId
    if (!(await looksAfter(actor, userId)))
      throw new HelixError('forbidden', 'userId: keys are made for oneself, and by administrators for service accounts.')
    return userId
  }

  mount(router, context, signOut, async ({ request, response }) => {
    const token = sessionTokenOf(request.headers, secure)
    if (token !== null) await store.closeSession(token)
    response.clearCookie(cookieName(secure), { path: '/', secure })
    return {}
  })
  mount(router, context, getMe, async ({ actor }) => ({ ...(await store.getPerson(actor.orgId, actor.userId)), via: actor.via }))
  mount(router, context, listApiKeys, async ({ actor, query }) => ({
    items: await store.listApiKeys(actor.orgId, await ownerOf(actor, query.userId)),
    nextCursor: null,
  }))
  mount(router, context, createApiKey, async ({ actor, body: { name, userId, ...limits } }) => {
    const wider = limits.scopes?.find((scope) => !roleGrants(actor.role, scope))
    if (wider !== undefined) throw new HelixError('forbidden', `scopes: your role "${actor.role}" does not have ${wider}.`)
    // A key makes no key that may more than itself.
    if (actor.scopes !== null && (limits.scopes === null || limits.scopes.some((scope) => !actor.scopes?.includes(scope))))
      throw new HelixError('forbidden', 'scopes: this key may not make one that may more.')
    const until = actor.key?.expiresAt
    if (until && (limits.expiresInDays === null || Date.now() + limits.expiresInDays * dayMs > until.getTime()))
      throw new HelixError(
        'forbidden',
        `expiresInDays: this key ends on ${until.toISOString().slice(0, 10)}, and one that it makes no later.`,
      )
    return store.createApiKey(actor.orgId, await ownerOf(actor, userId), name, limits)
  })
  mount(router, context, revokeApiKey, async ({ actor, params }) => {
    const owner = await store.ownerOfKey(actor.orgId, params.apiKeyId)
    if (owner === null || (owner !== actor.userId && !(await looksAfter(actor, owner)))) throw new HelixError('not_found')
    if (!(await store.revokeApiKey(actor.orgId, owner, params.apiKeyId))) throw new HelixError('not_found')
    return {}
  })
  mount(router, context, createSignInLink, async () => {
    const token = await store.createLink(await store.ensureAdministrator())
    return { token, url: `${frontendUrl}/sign-in?token=${token}` }
  })
  return router
}
