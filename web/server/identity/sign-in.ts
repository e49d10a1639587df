import { HelixError } from '@helix/contract/errors'
import { signInWithLink } from '@helix/contract/identity'
import type { UserId } from '@helix/contract/ids'
import {
  getSignInOptions,
  requestPasswordReset,
  resetPassword,
  signInWithPassword,
  startSingleSignOn,
  verifyEmail,
  verifySecondFactor,
} from '@helix/contract/sign-in'
import { type Request, Router } from 'express'
import type { Context } from '../context.ts'
import { mount } from '../http/mount.ts'
import { Attempts } from './attempts/store.ts'
import { headersOf, openSession, passCookies } from './auth/relay.ts'
import type { AuthSource } from './auth/source.ts'
import { ConnectionStore } from './connections/store.ts'
import { homeFor, withoutRights } from './home.ts'
import { sessionTokenOf } from './principal.ts'
import { codeKey, RegistrationStore } from './registration/store.ts'
import { SignInLog } from './sign-in-log.ts'
import { IdentityStore } from './store.ts'

/** A path of this site, never another one; `/.//host` would be one, written out without its dot. */
export function safePath(next: string | undefined): string {
  const url = next?.startsWith('/') ? URL.parse(next, 'http://own.invalid') : null
  return url !== null && url.origin === 'http://own.invalid' && !url.pathname.startsWith('//') ? url.pathname + url.search : '/'
}

/** Every way in for people. No answer says whether an address has an account. */
export function signInRoutes(context: Context, source: AuthSource): Router {
  const router = Router()
  const store = new IdentityStore(context.db)
  const attempts = new Attempts(context.db)
  const connections = new ConnectionStore(context.db, context.sealing)
  const registration = new RegistrationStore(context.db, context.config)

  const closeOld = async (request: Request): Promise<void> => {
    const old = sessionTokenOf(request.headers, context.config.secure)
    if (old !== null) await store.closeSession(old)
  }
  const log = new SignInLog(context)
  const deactivated = (): HelixError =>
    new HelixError('forbidden', 'You have no rights here any more: an administrator can invite you, or activate you again.')

  mount(router, context, getSignInOptions, async () => ({
    registration: (await registration.get()).registration,
    connections: (await connections.offered()).map(({ id, name, kind }) => ({ id, name, kind })),
  }))
  mount(router, context, signInWithLink, async ({ body, request, response }) => {
    await attempts.count(null, request.ip)
    const userId = await store.useLink(body.token)
    if (userId === null) throw new HelixError('sign_in_failed')
    await attempts.succeeded(null, request.ip)
    const home = await homeFor(context.db, context.config, userId)
    if (home === null) throw deactivated()
    await closeOld(request)
    await openSession(context, await source.get(), userId, request, response)
    await log.succeeded(request, userId, { action: 'signIn', by: 'link' }, home)
    return { ...(await store.getPerson(home, userId)), via: 'cookie' as const }
  })
  mount(router, context, signInWithPassword, async ({ body, request, response }) => {
    await attempts.count(body.email, request.ip)
    const auth = await source.get()
    const answer = await auth.api.signInEmail({ body: { ...body, rememberMe: true }, headers: headersOf(request), asResponse: true })
    if (!answer.ok) {
      await log.failed(request, body.email, 'password')
      // Said to who knows the password, and to nobody else.
      if (((await answer.json().catch(() => null)) as { code?: string } | null)?.code === withoutRights) throw deactivated()
      throw new HelixError('sign_in_failed')
    }
    await attempts.succeeded(body.email, request.ip)
    await closeOld(request)
    passCookies(answer, response)
    const said = (await answer.json()) as { twoFactorRedirect?: boolean }
    const secondFactor = said.twoFactorRedirect === true
    const person = await store.findByEmail(body.email)
    if (person !== null) await log.succeeded(request, person.id, { action: secondFactor ? 'secondFactorAsked' : 'signIn', by: 'password' })
    return { secondFactor }
  })
  mount(router, context, verifySecondFactor, async ({ body, request, response }) => {
    await attempts.count(request.headers.cookie ?? null, request.ip)
    const auth = await source.get()
    const input = { body: { code: body.code.replace(/\s+/g, '') }, headers: headersOf(request), asResponse: true as const }
    const answer = body.kind === 'backup' ? await auth.api.verifyBackupCode(input) : await auth.api.verifyTOTP(input)
    const wrong = (): HelixError => new HelixError('sign_in_failed', 'That code is not right, or it was used already.')
    if (!answer.ok) throw wrong()
    const { token, user } = (await answer.clone().json()) as { token: string; user: { id: UserId } }
    // A code counts once for its person: who looked over the shoulder, and knows the password, cannot type it again in another browser.
    if (!(await registration.once(codeKey(user.id, input.body.code)))) {
      await store.closeSession(token)
      throw wrong()
    }
    await attempts.succeeded(request.headers.cookie ?? null, request.ip)
    passCookies(answer, response)
    await log.succeeded(request, user.id, { action: 'signIn', by: 'second factor' })
    return {}
  })
  mount(router, context, startSingleSignOn, async ({ body, request, response }) => {
    await attempts.count(null, request.ip)
    const connection = await connections.findById(body.connectionId)
    if (connection === null) throw new HelixError('not_found')
    const start = async () =>
      (await source.of(connection)).api.signInSocial({
        body: { provider: connection.id, callbackURL: safePath(body.next), errorCallbackURL: '/sign-in?failed=sso', disableRedirect: true },
        headers: headersOf(request),
        asResponse: true,
      })
    let answer = await start()
    if (!answer.ok) {
      // What it said of itself when this process asked last may be over.
      source.forget(connection.id)
      answer = await start()
    }
    if (!answer.ok) throw new HelixError('provider_failed', `${connection.name} does not answer. Try again, or sign in another way.`)
    // Nothing was guessed by going there; a whole office does it each morning.
    await attempts.succeeded(null, request.ip)
    passCookies(answer, response)
    return { url: ((await answer.json()) as { url: string }).url }
  })
  mount(router, context, requestPasswordReset, async ({ body, request }) => {
    await attempts.count(`reset ${body.email}`, request.ip)
    await (await source.get()).api.requestPasswordReset({ body, headers: headersOf(request), asResponse: true })
    return {}
  })
  mount(router, context, resetPassword, async ({ body, request }) => {
    await attempts.count(null, request.ip)
    const input = { body: { token: body.token, newPassword: body.password }, headers: headersOf(request), asResponse: true as const }
    const owner = await store.ownerOfReset(body.token)
    const answer = await (await source.get()).api.resetPassword(input)
    if (!answer.ok) throw new HelixError('sign_in_failed', 'The link was used, or has expired: ask for a new one.')
    await attempts.succeeded(null, request.ip)
    if (owner !== null) await log.succeeded(request, owner, { action: 'resetPassword', by: 'mail' })
    return {}
  })
  mount(router, context, verifyEmail, async ({ body, request }) => {
    await attempts.count(null, request.ip)
    const answer = await (await source.get()).api.verifyEmail({
      query: { token: body.token },
      headers: headersOf(request),
      asResponse: true,
    })
    if (!answer.ok) throw new HelixError('sign_in_failed', 'The link was used, or has expired: sign in to get a new one.')
    await attempts.succeeded(null, request.ip)
    return {}
  })
  return router
}
