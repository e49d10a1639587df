import type { UserId } from '@helix/contract/ids'
import { type Request, type Response, Router } from 'express'
import { recordAudit } from '../../audit/store.ts'
import type { Context } from '../../context.ts'
import { appendEvent } from '../../events/store.ts'
import { OrganisationStore } from '../../organisations/store.ts'
import { Attempts } from '../attempts/store.ts'
import { type Connection, ConnectionStore } from '../connections/store.ts'
import { resolvePrincipal } from '../principal.ts'
import { SecurityStore } from '../security/store.ts'
import { SignInLog } from '../sign-in-log.ts'
import { refusalOf, roleOf } from './admission.ts'
import { Claims, claims } from './claims.ts'
import { headersOf } from './relay.ts'
import type { AuthSource } from './source.ts'

/** All that of better-auth's own surface is open; everything else of it goes through our endpoints and their rules. */
const passkeyRoot = '/api/auth/passkey'
const passkeyPaths = ['generate-register-options', 'verify-registration', 'generate-authenticate-options', 'verify-authentication']

/** Callbacks of identity providers, and the browser's half of passkeys. */
export function authRoutes(context: Context, source: AuthSource): Router {
  const router = Router()
  const connections = new ConnectionStore(context.db, context.sealing)
  const organisations = new OrganisationStore(context.db)
  const security = new SecurityStore(context.db)
  const attempts = new Attempts(context.db)
  const log = new SignInLog(context)

  /** The provider's groups decide the role anew at each sign-in; without a mapping only the first one counts. Answers why not; null: come in. */
  const admit = async (
    connection: Connection,
    said: Claims,
    userId: UserId,
    sessionId: string,
  ): Promise<'group' | 'deactivated' | null> => {
    const { orgId } = connection
    const role = roleOf(connection, said)
    return context.db.transaction(async (trx) => {
      const now = await organisations.roleOf(trx, orgId, userId)
      if (now === null && role === null) return 'group'
      if (await security.isDeactivated(trx, orgId, userId)) return 'deactivated'
      const mapped = Object.keys(connection.groupRoles).length > 0
      if (now === null && role !== null) await organisations.join(trx, orgId, userId, role, [])
      else if (mapped && role !== null && now !== role && now !== 'owner') await organisations.setRole(trx, orgId, userId, role)
      await security.beginIn(trx, sessionId, orgId)
      await appendEvent(trx, orgId, { type: 'access.changed' })
      return null
    })
  }

  const callback = async (request: Request, response: Response): Promise<void> => {
    const connection = await connections.findById(String(request.params.connectionId))
    if (connection === null) return response.redirect('/sign-in?failed=sso')
    await attempts.count(null, request.ip)
    const said = new Claims(connection.orgId)
    const auth = await source.of(connection).catch(() => null)
    if (auth === null) return response.redirect('/sign-in?failed=sso')
    const answer = await claims.run(said, () =>
      auth.handler(
        new globalThis.Request(`${context.config.frontendUrl}${request.originalUrl}`, {
          headers: headersOf(request),
        }),
      ),
    )
    const cookies = answer.headers.getSetCookie()
    const { internalAdapter } = await auth.$context
    const token = cookies.flatMap((one) => /^(?:__Host-)?helix=([^.;%]+)/.exec(one)?.[1] ?? [])[0]
    const session = token === undefined ? null : await internalAdapter.findSession(token)
    const refused = said.all === null ? 'sso' : refusalOf(connection, said.all.email)
    const why =
      refused ??
      (session === null
        ? // Nobody was made of a person without a role.
          roleOf(connection, said) === null
          ? 'group'
          : 'sso'
        : await admit(connection, said, session.user.id as UserId, session.session.id))
    await recordAudit(context.db, {
      orgId: connection.orgId,
      actorId: why === null ? ((session?.user.id as UserId | undefined) ?? null) : null,
      actorName: (why === null ? session?.user.name : session?.user.email) ?? String(said.all?.email ?? 'somebody'),
      via: why === null ? 'cookie' : 'none',
      action: why === null ? 'signInBySingleSignOn' : 'signInFailed',
      target: { kind: 'connection', id: connection.id, name: connection.name },
      details: why === null ? {} : { reason: why },
      requestId: request.id,
      address: request.ip ?? null,
      userAgent: request.header('user-agent') ?? null,
    })
    if (why !== null) {
      if (session !== null && token !== undefined) await internalAdapter.deleteSession(token)
      return response.redirect(`/sign-in?failed=${why}`)
    }
    await attempts.succeeded(null, request.ip)
    for (const cookie of cookies) response.append('set-cookie', cookie)
    const to = answer.headers.get('location') ?? '/'
    response.redirect(to.startsWith(context.config.frontendUrl) || to.startsWith('/') ? to : '/')
  }
  router.get('/api/auth/callback/:connectionId', callback)

  /** Who came in by a passkey, and who made one. */
  const logPasskey = async (request: Request, response: Response): Promise<void> => {
    const action = { '/verify-authentication': 'signIn', '/verify-registration': 'addPasskey' }[request.path.slice(passkeyRoot.length)]
    if (action === undefined) return
    const cookies = [response.getHeader('set-cookie') ?? []].flat().map((one) => String(one).split(';')[0])
    const who = await resolvePrincipal(context, action === 'signIn' ? { cookie: cookies.join('; ') } : request.headers)
    if (who !== null) await log.succeeded(request, who.userId, { action, by: 'passkey' }, who.orgId)
  }

  router.all(
    passkeyPaths.map((path) => `${passkeyRoot}/${path}`),
    async (request, response) => {
      if (request.path.includes('authenticat')) await attempts.count(null, request.ip)
      const auth = await source.get()
      const { toNodeHandler } = await import('better-auth/node')
      // better-auth notes the address of a new session by this header: what a stranger wrote there is not it.
      request.headers['x-forwarded-for'] = request.ip ?? ''
      await toNodeHandler(auth)(request, response)
      if (response.statusCode >= 400) return
      await attempts.succeeded(null, request.ip)
      await logPasskey(request, response)
    },
  )
  return router
}
