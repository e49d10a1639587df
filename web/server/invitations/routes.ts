import { HelixError } from '@helix/contract/errors'
import {
  acceptInvitation,
  invitePeople,
  listInvitations,
  type Organisation,
  readInvitation,
  revokeInvitation,
} from '@helix/contract/organisations'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { Attempts } from '../identity/attempts/store.ts'
import { enqueueMail } from '../mail/store.ts'
import { OrganisationStore } from '../organisations/store.ts'
import { InvitationStore } from './store.ts'

const wordsOf = (organisation: string, by: string, url: string): { subject: string; text: string } => ({
  subject: `${by} invites you to ${organisation} on Helix`,
  text: `${by} invites you to work in ${organisation} on Helix.\n\n${url}\n\nThe link is yours alone and ends in 7 days. If you did not expect it, ignore it.`,
})

export function invitationRoutes(context: Context): Router {
  const router = Router()
  const store = new InvitationStore(context.db)
  const organisations = new OrganisationStore(context.db)
  const attempts = new Attempts(context.db)
  const linkOf = (token: string): string => `${context.config.frontendUrl}/join?token=${token}`

  mount(router, context, listInvitations, async ({ actor }) => ({ items: await store.list(actor.orgId), nextCursor: null }))
  mount(router, context, invitePeople, async ({ actor, body }) => {
    if (body.role === 'owner' && actor.role !== 'owner') throw new HelixError('forbidden', 'role: only an owner invites owners.')
    const people = await organisations.people(actor.orgId)
    const members = new Set(people.map(({ email }) => email.toLowerCase()))
    const asked = [...new Map(body.emails.map((email) => [email.toLowerCase(), email])).values()]
    const teams = await organisations.teams(actor.orgId)
    const unknown = body.teamIds.find((id) => !teams.some((team) => team.id === id))
    if (unknown !== undefined)
      throw new HelixError('invalid_request', 'teamIds: not a team of this organisation', { fields: { teamIds: 'unknown team' } })
    const organisation = await organisations.find(actor.userId, actor.orgId)
    const fresh = asked.filter((email) => !members.has(email.toLowerCase()))
    const made = await context.db.transaction(async (trx) => {
      const links = new Map<string, string>()
      for (const email of fresh) {
        const { id, token } = await store.insert(trx, { ...body, orgId: actor.orgId, email, invitedBy: actor.userId })
        const url = linkOf(token)
        links.set(id, url)
        await enqueueMail(trx, { orgId: actor.orgId, to: email, ...wordsOf(organisation?.name ?? '', actor.userName, url) })
      }
      return links
    })
    const items = (await store.list(actor.orgId)).flatMap((one) => {
      const url = made.get(one.id)
      return url === undefined ? [] : [{ ...one, url }]
    })
    return { items, already: asked.filter((email) => members.has(email.toLowerCase())) }
  })
  mount(router, context, revokeInvitation, async ({ actor, params }) => {
    if (!(await store.revoke(context.db, actor.orgId, params.invitationId))) throw new HelixError('not_found')
    return {}
  })
  mount(router, context, readInvitation, async ({ body, request }) => {
    await attempts.count(null, request.ip)
    const found = await store.find(body.token)
    if (found === null) throw new HelixError('not_found', 'This invitation was used, revoked or has expired: ask for a new one.')
    const { organisation, email, role, invitedBy, expiresAt } = found
    return { organisation, email, role, invitedBy, expiresAt }
  })
  mount(router, context, acceptInvitation, async ({ actor, body }): Promise<Organisation> => {
    await attempts.count(`accept ${actor.userId}`, undefined)
    const before = await store.acceptedBy(body.token, actor.userId)
    const known = before === null ? null : await organisations.find(actor.userId, before)
    if (known !== null) return known
    const found = await store.find(body.token)
    if (found === null) throw new HelixError('not_found', 'This invitation was used, revoked or has expired: ask for a new one.')
    const own = await context.db('users').where({ id: actor.userId }).first('email')
    if (own.email.toLowerCase() !== found.email.toLowerCase())
      throw new HelixError('forbidden', `This invitation is for ${found.email}: sign in with that address.`)
    await context.db.transaction(async (trx) => {
      if (!(await store.accept(trx, found.id, actor.userId))) throw new HelixError('not_found')
      await organisations.join(trx, found.orgId, actor.userId, found.role, found.teamIds)
      await appendEvent(trx, found.orgId, { type: 'access.changed' })
    })
    context.bus.wake(found.orgId)
    const joined = await organisations.find(actor.userId, found.orgId)
    if (joined === null) throw new HelixError('not_found')
    return joined
  })
  return router
}
