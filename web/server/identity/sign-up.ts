import { randomUUID } from 'node:crypto'
import { HelixError } from '@helix/contract/errors'
import { signUp } from '@helix/contract/sign-in'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { InvitationStore, type OpenInvitation } from '../invitations/store.ts'
import { enqueueMail } from '../mail/store.ts'
import { OrganisationStore } from '../organisations/store.ts'
import { Attempts } from './attempts/store.ts'
import { headersOf, openSession } from './auth/relay.ts'
import type { AuthSource } from './auth/source.ts'
import { hashPassword } from './hashing.ts'
import { RegistrationStore } from './registration/store.ts'
import { SignInLog } from './sign-in-log.ts'
import { IdentityStore } from './store.ts'

interface NewPerson {
  name: string
  email: string
  passwordHash: string
  verified: boolean
}

/** Makes the account; null when the address has one, also of two who ask at once. */
async function insertPerson(context: Context, person: NewPerson, invitation: OpenInvitation | null) {
  return context.db.transaction(async (trx) => {
    const id = context.newId('user')
    const rows = await trx('users')
      .insert({ id, email: person.email, name: person.name, email_verified: person.verified })
      .onConflict(trx.raw('(lower(email))') as never)
      .ignore()
      .returning('id')
    if (rows.length === 0) return null
    await trx('accounts').insert({
      id: randomUUID(),
      account_id: id,
      provider_id: 'credential',
      user_id: id,
      password: person.passwordHash,
    })
    if (invitation === null) return id
    if (!(await new InvitationStore(trx).accept(trx, invitation.id, id)))
      throw new HelixError('forbidden', 'The invitation was used meanwhile.')
    await new OrganisationStore(trx).join(trx, invitation.orgId, id, invitation.role, invitation.teamIds)
    await appendEvent(trx, invitation.orgId, { type: 'access.changed' })
    return id
  })
}

/** New accounts. With an invitation the address is proven by its link; without one a mail proves it, and nobody learns whether it is taken. */
export function signUpRoutes(context: Context, source: AuthSource): Router {
  const router = Router()
  const store = new IdentityStore(context.db)
  const attempts = new Attempts(context.db)
  const registration = new RegistrationStore(context.db, context.config)
  const log = new SignInLog(context)

  const invitationOf = async (token: string | undefined, email: string): Promise<OpenInvitation | null> => {
    const found = token === undefined ? null : await new InvitationStore(context.db).find(token)
    if (token !== undefined && found === null)
      throw new HelixError('forbidden', 'This invitation was used, revoked or has expired: ask for a new one.')
    if (found !== null && found.email.toLowerCase() !== email.toLowerCase())
      throw new HelixError('forbidden', `email: this invitation is for ${found.email}`, {
        fields: { email: `this invitation is for ${found.email}` },
      })
    return found
  }
  const refuse = async (email: string): Promise<void> => {
    const { registration: mode, allowedDomains } = await registration.get()
    if (mode === 'closed') throw new HelixError('forbidden', 'Registration is closed on this installation.')
    if (mode === 'invited') throw new HelixError('forbidden', 'An invitation is needed to make an account here: ask somebody who has one.')
    const domain = email.split('@')[1]?.toLowerCase() ?? ''
    if (allowedDomains.length > 0 && !allowedDomains.some((one) => one.toLowerCase() === domain))
      throw new HelixError('forbidden', `Accounts here are for addresses of ${allowedDomains.join(', ')}.`)
  }

  mount(router, context, signUp, async ({ body, request, response }) => {
    await attempts.count(`sign-up ${body.email}`, request.ip)
    const invitation = await invitationOf(body.invitation, body.email)
    if (invitation === null) await refuse(body.email)
    // Hashed before anybody looks whether the address is taken: both answers take as long.
    const passwordHash = await hashPassword(body.password)
    const userId = await insertPerson(
      context,
      { name: body.name, email: body.email, passwordHash, verified: invitation !== null },
      invitation,
    )
    if (invitation !== null) {
      if (userId === null) throw new HelixError('forbidden', 'This address has an account: sign in, and open the invitation again.')
      context.bus.wake(invitation.orgId)
      await attempts.succeeded(`sign-up ${body.email}`, request.ip)
      await openSession(context, await source.get(), userId, request, response)
      const target = { kind: 'invitation', id: invitation.id, name: invitation.email }
      await log.succeeded(request, userId, { action: 'signUp', by: 'invitation', target }, invitation.orgId)
      return { signedIn: true }
    }
    if (userId === null) {
      const known = await store.findByEmail(body.email)
      const text = `Somebody, perhaps you, tried to make a Helix account with this address. It has one.\n\n${context.config.frontendUrl}/sign-in\n\nIf you do not know your password, ask for a new one there.`
      if (known !== null) await enqueueMail(context.db, { orgId: null, to: body.email, subject: 'You have a Helix account', text })
    } else {
      await log.succeeded(request, userId, { action: 'signUp', by: 'mail' })
      await (await source.get()).api.sendVerificationEmail({ body: { email: body.email }, headers: headersOf(request), asResponse: true })
    }
    return { signedIn: false }
  })
  return router
}
