import {
  confirmTwoFactor,
  disableTwoFactor,
  enableTwoFactor,
  getSecurity,
  removePasskey,
  revokeOtherSessions,
  revokeSession,
  updateProfile,
} from '@helix/contract/account'
import { HelixError } from '@helix/contract/errors'
import { setPassword } from '@helix/contract/identity'
import { type Request, type Response, Router } from 'express'
import type { Context } from '../context.ts'
import { type Actor, mount } from '../http/mount.ts'
import { enqueueMail } from '../mail/store.ts'
import { Attempts } from './attempts/store.ts'
import { headersOf, passCookies } from './auth/relay.ts'
import type { AuthSource } from './auth/source.ts'
import { sessionTokenOf } from './principal.ts'
import { codeKey, RegistrationStore } from './registration/store.ts'
import { SecurityStore } from './security/store.ts'
import { IdentityStore, placeholderEmail } from './store.ts'

/** The own account: profile, password, second factor, passkeys and browser sessions. */
export function accountRoutes(context: Context, source: AuthSource): Router {
  const router = Router()
  const store = new IdentityStore(context.db)
  const security = new SecurityStore(context.db)
  const attempts = new Attempts(context.db)
  const registration = new RegistrationStore(context.db, context.config)

  /** A stolen browser must not take the account over: what guards it asks for the password again. */
  const provePassword = async (actor: Actor, password: string | undefined): Promise<void> => {
    const { hasPassword } = await store.getPerson(actor.orgId, actor.userId)
    if (!hasPassword) return
    await attempts.count(`change ${actor.userId}`, undefined)
    if (!(await store.passwordIs(actor.userId, password ?? '')))
      throw new HelixError('sign_in_failed', 'The current password does not match.')
    await attempts.succeeded(`change ${actor.userId}`)
  }
  const byBrowser = (actor: Actor): void => {
    if (actor.via !== 'cookie') throw new HelixError('forbidden', 'Sign in with a browser for this.')
  }
  const relayed = async (answer: globalThis.Response, response: Response, refused: string): Promise<unknown> => {
    if (!answer.ok) throw new HelixError('sign_in_failed', refused)
    passCookies(answer, response)
    return answer.json()
  }
  const current = (request: Request): string | null => sessionTokenOf(request.headers, context.config.secure)

  mount(router, context, setPassword, async ({ actor, body, request }) => {
    // A key that leaked must not become an account of its own: it would outlive the key.
    byBrowser(actor)
    await provePassword(actor, body.current)
    await store.setPassword(actor.userId, body.next, current(request))
    return {}
  })
  /** The new address proves itself by mail, and the old one is told; neither says whether somebody has it already. */
  const changeEmail = async (actor: Actor, now: string, next: string, request: Request): Promise<void> => {
    byBrowser(actor)
    if (now === placeholderEmail) {
      if (await security.settle(actor.userId, next)) return
      throw new HelixError('conflict', 'email: this address cannot be used', { fields: { email: 'cannot be used' } })
    }
    const input = { body: { newEmail: next }, headers: headersOf(request), asResponse: true as const }
    const answer = await (await source.get()).api.changeEmail(input)
    if (!answer.ok) throw new HelixError('sign_in_failed', 'The address was not changed: sign in again and try once more.')
    const text = `Somebody, hopefully you, asked to use ${next} for your Helix account from now on. It counts once the link in the mail there was opened.\n\nIf it was not you, set a new password and end the other sessions: ${context.config.frontendUrl}/settings/security`
    await enqueueMail(context.db, { orgId: null, to: now, subject: 'A new address for your Helix account', text })
  }

  mount(router, context, updateProfile, async ({ actor, body, request }) => {
    const { user } = await store.getPerson(actor.orgId, actor.userId)
    const moves = body.email !== undefined && body.email.toLowerCase() !== user.email.toLowerCase()
    if (moves) await provePassword(actor, body.password)
    if (body.name !== undefined) await security.rename(actor.userId, body.name)
    if (moves && body.email !== undefined) await changeEmail(actor, user.email, body.email, request)
    return { ...(await store.getPerson(actor.orgId, actor.userId)), via: actor.via }
  })
  mount(router, context, getSecurity, async ({ actor, request }) => security.of(actor.userId, current(request)))
  mount(router, context, enableTwoFactor, async ({ actor, body, request, response }) => {
    byBrowser(actor)
    await provePassword(actor, body.password)
    const answer = await (await source.get()).api.enableTwoFactor({ body, headers: headersOf(request), asResponse: true })
    const said = (await relayed(answer, response, 'Set a password first: the second factor stands beside it.')) as {
      totpURI: string
      backupCodes: string[]
    }
    return { uri: said.totpURI, backupCodes: said.backupCodes }
  })
  mount(router, context, confirmTwoFactor, async ({ actor, body, request, response }) => {
    byBrowser(actor)
    await attempts.count(`confirm ${actor.userId}`, undefined)
    const input = { body: { code: body.code.replace(/\s+/g, '') }, headers: headersOf(request), asResponse: true as const }
    await relayed(
      await (await source.get()).api.verifyTOTP(input),
      response,
      'That code is not right. Codes change every 30 s; look at the clock of your phone.',
    )
    await registration.once(codeKey(actor.userId, input.body.code))
    return {}
  })
  mount(router, context, disableTwoFactor, async ({ actor, body, request, response }) => {
    byBrowser(actor)
    await provePassword(actor, body.password)
    const answer = await (await source.get()).api.disableTwoFactor({ body, headers: headersOf(request), asResponse: true })
    await relayed(answer, response, 'The second factor is still on.')
    return {}
  })
  mount(router, context, removePasskey, async ({ actor, params }) => {
    if (!(await security.removePasskey(actor.userId, params.passkeyId))) throw new HelixError('not_found')
    return {}
  })
  mount(router, context, revokeSession, async ({ actor, params }) => {
    if (!(await security.endSession(actor.userId, params.browserSessionId))) throw new HelixError('not_found')
    return {}
  })
  mount(router, context, revokeOtherSessions, async ({ actor, request }) => ({
    ended: await security.endOthers(actor.userId, current(request)),
  }))
  return router
}
