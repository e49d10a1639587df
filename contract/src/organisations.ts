import { z } from 'zod'
import { defineEndpoint, page } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { roles } from './permissions.ts'
import { email, line, timestamp } from './text.ts'

const role = z.enum(roles)

export const organisation = z.object({ id: idSchema('org'), slug: z.string(), name: z.string(), role })
export type Organisation = z.infer<typeof organisation>

export const listOrganisations = defineEndpoint({
  method: 'GET',
  path: '/api/v1/organisations',
  permission: 'account:self',
  summary: 'The organisations that the caller belongs to; `current` is the one this session works in',
  response: z.object({ items: z.array(organisation.extend({ current: z.boolean() })), nextCursor: z.null() }),
})

export const createOrganisation = defineEndpoint({
  method: 'POST',
  path: '/api/v1/organisations',
  permission: 'account:self',
  summary: 'Create an organisation, with the caller as its owner',
  body: z.object({ name: line(80) }),
  response: organisation,
  errors: ['conflict', 'forbidden'],
})

export const updateOrganisation = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/organisation',
  permission: 'organisation:write',
  summary: 'Rename the organisation',
  body: z.object({ name: line(80) }),
  response: organisation,
})

export const switchOrganisation = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/me/organisation',
  permission: 'account:self',
  summary: 'Work in another of the own organisations from now on, in this browser',
  body: z.object({ organisationId: idSchema('org') }),
  response: organisation,
})

export const locate = defineEndpoint({
  method: 'GET',
  path: '/api/v1/me/whereabouts',
  permission: 'account:self',
  summary: 'In which of the own organisations a thing is, so that a link of another organisation can be opened',
  query: z.object({ id: line(60) }),
  response: z.object({ organisation: organisation.nullable() }),
})

export const person = z.object({
  id: idSchema('user'),
  name: z.string(),
  email: z.string(),
  role,
  teams: z.array(z.object({ id: idSchema('team'), name: z.string() })),
  joinedAt: timestamp,
  /** Null while active. */
  deactivatedAt: timestamp.nullable(),
  /** `service`: an account of a program, which cannot sign in. */
  kind: z.enum(['person', 'service']),
})
export type Person = z.infer<typeof person>

export const listPeople = defineEndpoint({
  method: 'GET',
  path: '/api/v1/people',
  permission: 'organisation:read',
  summary: 'Everybody in the organisation, by name',
  response: z.object({ items: z.array(person), nextCursor: z.null() }),
})

const ofPerson = z.object({ userId: idSchema('user') })

export const updatePerson = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/people/:userId',
  permission: 'organisation:write',
  summary: 'Change a person’s role; only an owner makes or unmakes owners, and one owner always stays',
  params: ofPerson,
  body: z.object({ role }),
  response: person,
  errors: ['conflict', 'forbidden'],
})

export const removePerson = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/people/:userId',
  permission: 'organisation:write',
  summary: 'Take a person out of the organisation: sessions, keys and grants here end at once',
  params: ofPerson,
  errors: ['conflict', 'forbidden'],
})

export const leaveOrganisation = defineEndpoint({
  method: 'POST',
  path: '/api/v1/me/leave',
  permission: 'account:self',
  summary: 'Leave the organisation; the last owner cannot',
  errors: ['conflict'],
})

export const team = z.object({
  id: idSchema('team'),
  name: z.string(),
  members: z.array(z.object({ id: idSchema('user'), name: z.string() })),
  createdAt: timestamp,
})
export type Team = z.infer<typeof team>

const ofTeam = z.object({ teamId: idSchema('team') })

export const listTeams = defineEndpoint({
  method: 'GET',
  path: '/api/v1/teams',
  permission: 'organisation:read',
  summary: 'Teams of the organisation, by name',
  response: z.object({ items: z.array(team), nextCursor: z.null() }),
})

export const createTeam = defineEndpoint({
  method: 'POST',
  path: '/api/v1/teams',
  permission: 'organisation:write',
  summary: 'Create a team',
  body: z.object({ name: line(80), memberIds: z.array(idSchema('user')).max(500).default([]) }),
  response: team,
  errors: ['conflict'],
})

export const updateTeam = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/teams/:teamId',
  permission: 'organisation:write',
  summary: 'Rename a team, or replace its members',
  params: ofTeam,
  body: z.object({ name: line(80).optional(), memberIds: z.array(idSchema('user')).max(500).optional() }),
  response: team,
  errors: ['conflict'],
})

export const deleteTeam = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/teams/:teamId',
  permission: 'organisation:write',
  summary: 'Delete a team; its grants on projects end',
  params: ofTeam,
})

export const invitation = z.object({
  id: idSchema('invitation'),
  email: z.string(),
  role,
  teams: z.array(z.object({ id: idSchema('team'), name: z.string() })),
  invitedBy: z.string(),
  createdAt: timestamp,
  expiresAt: timestamp,
})
export type Invitation = z.infer<typeof invitation>

const withLink = invitation.extend({ /** Shown once, for whoever wants to send it another way. */ url: z.url() })

export const listInvitations = defineEndpoint({
  method: 'GET',
  path: '/api/v1/invitations',
  permission: 'organisation:write',
  summary: 'Invitations that are open, newest first; expired ones too until they are revoked',
  response: page(invitation),
})

export const invitePeople = defineEndpoint({
  method: 'POST',
  path: '/api/v1/invitations',
  permission: 'organisation:write',
  summary: 'Invite people by e-mail; an open invitation of the same address is replaced',
  body: z.object({
    emails: z.array(email).min(1).max(50),
    role: role.default('member'),
    teamIds: z.array(idSchema('team')).max(50).default([]),
  }),
  response: z.object({ items: z.array(withLink), /** Addresses of people who are members already. */ already: z.array(z.string()) }),
  errors: ['forbidden'],
})

export const revokeInvitation = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/invitations/:invitationId',
  permission: 'organisation:write',
  summary: 'Revoke an open invitation: its link is worth nothing from now on',
  params: z.object({ invitationId: idSchema('invitation') }),
})

const invitationToken = z.object({ token: z.string().min(20).max(200) })

export const readInvitation = defineEndpoint({
  method: 'POST',
  path: '/api/v1/invitations/read',
  permission: 'public',
  summary: 'What an invitation’s link is about, for whoever holds it',
  body: invitationToken,
  response: z.object({
    organisation: z.string(),
    email: z.string(),
    role,
    invitedBy: z.string(),
    expiresAt: timestamp,
  }),
  errors: ['rate_limited'],
})

export const acceptInvitation = defineEndpoint({
  method: 'POST',
  path: '/api/v1/invitations/accept',
  permission: 'account:self',
  summary: 'Join the organisation that invited the own address; a second call finds the first',
  body: invitationToken,
  response: organisation,
  errors: ['forbidden', 'rate_limited'],
})
