import { listProjectMembers, removeProjectMember, setProjectMember, setProjectVisibility } from '@helix/contract/access'
import { listAudit } from '@helix/contract/audit'
import { createClient } from '@helix/contract/client'
import { createApiKey, getMe } from '@helix/contract/identity'
import type { OrgId } from '@helix/contract/ids'
import {
  acceptInvitation,
  createTeam,
  invitePeople,
  leaveOrganisation,
  listPeople,
  readInvitation,
  removePerson,
  revokeInvitation,
  updatePerson,
  updateTeam,
} from '@helix/contract/organisations'
import type { Role } from '@helix/contract/permissions'
import { applyProjectConfig } from '@helix/contract/project-config'
import { deleteProject, getProject, listProjects, updateProject } from '@helix/contract/projects'
import { getRepository, listRepositories } from '@helix/contract/repositories'
import { getTask } from '@helix/contract/tasks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../context.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject, addTask } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let owner: Person
beforeAll(async () => {
  server = await openTestServer()
  owner = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )

/** Somebody new in the organisation, with an API key there. */
async function addMember(role: Role, orgId: OrgId = owner.orgId): Promise<Person> {
  const userId = newId('user')
  const { db } = server.context
  await db('users').insert({ id: userId, email: `${userId}@example.com`, name: `A ${role}` })
  await db('memberships').insert({ org_id: orgId, user_id: userId, role })
  const { secret } = await new IdentityStore(db).createApiKey(orgId, userId, 'test')
  return { orgId, userId, apiKey: secret, call: createClient({ baseUrl: server.url, token: secret }) }
}

test('a private project, its tasks and its repository are not there for who has no grant', async () => {
  const project = await addProject(owner)
  const task = await addTask(owner, project)
  const member = await addMember('member')
  const params = { projectId: project.id }
  expect(await member.call(getTask, { params: { taskId: task.id } })).toMatchObject({ id: task.id })
  await owner.call(setProjectVisibility, { params, body: { visibility: 'private' } })
  const repositoryId = project.repositories[0]?.id
  if (repositoryId === undefined) throw new Error('no repository')
  expect(await code(member.call(getProject, { params }))).toBe('not_found')
  expect(await code(member.call(getTask, { params: { taskId: task.id } }))).toBe('not_found')
  expect(await code(member.call(getRepository, { params: { repositoryId } }))).toBe('not_found')
  expect((await member.call(listProjects, {})).items.map(({ id }) => id)).not.toContain(project.id)
  expect((await member.call(listRepositories, {})).items.map(({ id }) => id)).not.toContain(repositoryId)

  await owner.call(setProjectMember, { params: { ...params, granteeId: member.userId }, body: { role: 'reviewer' } })
  expect(await member.call(getProject, { params })).toMatchObject({ id: project.id })
  expect((await member.call(listRepositories, {})).items.map(({ id }) => id)).toContain(repositoryId)
  await owner.call(removeProjectMember, { params: { ...params, granteeId: member.userId } })
  expect(await code(member.call(getProject, { params }))).toBe('not_found')
})

test('deleting a private project shows its repository to nobody who did not see it before', async () => {
  const [project, shared] = [await addProject(owner), await addProject(owner)]
  const [member, granted] = [await addMember('member'), await addMember('viewer')]
  const params = { projectId: project.id }
  await owner.call(setProjectVisibility, { params, body: { visibility: 'private' } })
  await owner.call(setProjectMember, { params: { ...params, granteeId: granted.userId }, body: { role: 'member' } })
  const repositoryId = project.repositories[0]?.id as never
  const sees = async (person: Person) => [
    await code(person.call(getRepository, { params: { repositoryId } })),
    (await person.call(listRepositories, { query: { limit: 200 } })).items.some(({ id }) => id === repositoryId),
  ]
  const hidden = ['not_found', false]
  for (const when of ['before', 'after']) {
    expect([when, await sees(member)]).toEqual([when, hidden])
    expect([when, await sees(granted)]).toEqual([when, ['done', true]])
    expect([when, await sees(owner)]).toEqual([when, ['done', true]])
    if (when === 'before') await owner.call(deleteProject, { params, body: { name: project.name } })
  }
  await owner.call(updateProject, { params: { projectId: shared.id }, body: { repositoryIds: [repositoryId] } })
  expect(await sees(member)).toEqual(['done', true])
})

test('a team’s grant raises the role of its members, and who lacks a role is told which', async () => {
  const project = await addProject(owner)
  const viewer = await addMember('viewer')
  const params = { projectId: project.id }
  const rename = () => viewer.call(updateProject, { params, body: { name: 'Mine' } })
  await expect(rename()).rejects.toThrow('You need admin on this project; you are viewer.')
  const team = await owner.call(createTeam, { body: { name: 'Leads', memberIds: [viewer.userId] } })
  await owner.call(setProjectMember, { params: { ...params, granteeId: team.id }, body: { role: 'admin' } })
  expect(await rename()).toMatchObject({ name: 'Mine' })
  const { people } = await owner.call(listProjectMembers, { params })
  expect(people.find(({ id }) => id === viewer.userId)?.role).toBe('admin')
  await owner.call(updateTeam, { params: { teamId: team.id }, body: { memberIds: [] } })
  expect(await code(rename())).toBe('forbidden')
})

test('an administrator of one project brings no repository into it that they could not write before, by no way in', async () => {
  const [project, hidden, open] = [await addProject(owner), await addProject(owner), await addProject(owner)]
  const of = ({ repositories: [first] }: typeof project) => {
    if (first === undefined) throw new Error('no repository')
    return first
  }
  await owner.call(setProjectVisibility, { params: { projectId: hidden.id }, body: { visibility: 'private' } })
  const viewer = await addMember('viewer')
  const params = { projectId: project.id }
  await owner.call(setProjectMember, { params: { ...params, granteeId: viewer.userId }, body: { role: 'admin' } })
  const bring = (other: typeof project) => viewer.call(updateProject, { params, body: { repositoryIds: [of(project).id, of(other).id] } })
  const apply = (other: typeof project) =>
    viewer.call(applyProjectConfig, {
      params,
      body: { yaml: `version: 1\nrepositories: [${of(project).name}, ${of(other).name}]\n`, dryRun: true },
    })
  await expect(bring(hidden)).rejects.toThrow('is not a repository of this organisation')
  await expect(apply(hidden)).rejects.toThrow('there is no repository')
  await expect(bring(open)).rejects.toThrow('you need member on this repository; you are viewer')
  await expect(apply(open)).rejects.toThrow('you need member on this repository; you are viewer')
  await owner.call(updateProject, { params, body: { repositoryIds: [of(project).id, of(hidden).id] } })
  expect((await bring(hidden)).repositories).toHaveLength(2)
  await owner.call(setProjectMember, { params: { projectId: open.id, granteeId: viewer.userId }, body: { role: 'member' } })
  expect(await apply(open)).toMatchObject({ unchanged: false })
})

test('one owner always stays, also when two leave at once', async () => {
  const first = await server.addPerson()
  const second = await addMember('owner', first.orgId)
  const outcomes = await Promise.all([code(first.call(leaveOrganisation, {})), code(second.call(leaveOrganisation, {}))])
  expect(outcomes.sort()).toEqual(['conflict', 'done'])
})

test('an administrator neither makes nor unmakes an owner', async () => {
  const admin = await addMember('admin')
  const member = await addMember('member')
  expect(await code(admin.call(updatePerson, { params: { userId: member.userId }, body: { role: 'owner' } }))).toBe('forbidden')
  expect(await code(admin.call(updatePerson, { params: { userId: owner.userId }, body: { role: 'viewer' } }))).toBe('forbidden')
  expect(await code(admin.call(removePerson, { params: { userId: owner.userId } }))).toBe('forbidden')
  expect(await admin.call(updatePerson, { params: { userId: member.userId }, body: { role: 'admin' } })).toMatchObject({ role: 'admin' })
})

test('who is removed has no key, no grant and no place in the list any more', async () => {
  const member = await addMember('member')
  const project = await addProject(owner)
  await owner.call(setProjectMember, { params: { projectId: project.id, granteeId: member.userId }, body: { role: 'admin' } })
  await owner.call(removePerson, { params: { userId: member.userId } })
  expect(await code(member.call(getMe, {}))).toBe('not_signed_in')
  expect((await owner.call(listPeople, {})).items.some(({ id }) => id === member.userId)).toBe(false)
  expect(await server.context.db('project_access').where({ user_id: member.userId })).toEqual([])
})

test('an invitation is taken once, by its own address, and never after it was revoked', async () => {
  const guest = await server.addPerson()
  const { email } = (await guest.call(getMe, {})).user
  const invite = async (to: string) => (await owner.call(invitePeople, { body: { emails: [to], role: 'reviewer' } })).items[0]
  const tokenOf = (url = '') => new URL(url).searchParams.get('token') ?? ''
  const other = await invite('somebody@example.com')
  expect(await code(guest.call(acceptInvitation, { body: { token: tokenOf(other?.url) } }))).toBe('forbidden')
  const made = await invite(email)
  const token = tokenOf(made?.url)
  expect(await guest.call(readInvitation, { body: { token } })).toMatchObject({ organisation: 'Test', email })
  expect(await guest.call(acceptInvitation, { body: { token } })).toMatchObject({ id: owner.orgId, role: 'reviewer' })
  expect(await guest.call(acceptInvitation, { body: { token } })).toMatchObject({ id: owner.orgId })
  expect(await code(guest.call(readInvitation, { body: { token } }))).toBe('not_found')
  if (other === undefined) throw new Error('no invitation')
  await owner.call(revokeInvitation, { params: { invitationId: other.id } })
  expect(await code(guest.call(readInvitation, { body: { token: tokenOf(other.url) } }))).toBe('not_found')
  const mails = await server.context.db('mail_outbox').where({ recipient: email })
  expect(mails[0]?.body).toContain(token)
  const stored = JSON.stringify(await server.context.db('invitations'))
  expect(stored).not.toContain(token)
})

test('every change is in the audit log with its actor and target, the log is append-only and no secret is in it', async () => {
  const { secret, id } = await owner.call(createApiKey, { body: { name: 'CI' } })
  const { items } = await owner.call(listAudit, { query: { limit: 200 } })
  const entry = items.find(({ action }) => action === 'createApiKey')
  expect(entry).toMatchObject({ actor: { id: owner.userId }, via: 'api_key', target: { kind: 'key', id, name: 'CI' } })
  expect(items.map(({ action }) => action)).toContain('removePerson')
  expect(JSON.stringify(items)).not.toContain(secret)
  expect((await owner.call(listAudit, { query: { text: 'CI', action: 'createApiKey' } })).items).toHaveLength(1)
  await expect(server.context.db('audit_log').delete()).rejects.toThrow('append-only')
  await expect(server.context.db('audit_log').truncate()).rejects.toThrow('append-only')
  await expect(server.context.db('audit_log').update({ action: 'nothing' })).rejects.toThrow('append-only')
  const viewer = await addMember('viewer')
  expect(await code(viewer.call(listAudit, {}))).toBe('forbidden')
  const stranger = await server.addPerson()
  expect(JSON.stringify(await stranger.call(listAudit, {}))).not.toContain(owner.userId)
})

test('the audit log says what was set to what, how things were called that are gone, and which key did it', async () => {
  const member = await addMember('viewer')
  await owner.call(updatePerson, { params: { userId: member.userId }, body: { role: 'admin' } })
  await owner.call(removePerson, { params: { userId: member.userId } })
  await owner.call(createApiKey, { body: { name: 'Narrow', scopes: ['project:read'], expiresInDays: 3 } })
  const { items } = await owner.call(listAudit, { query: { limit: 3 } })
  const key = owner.apiKey.slice(0, 9)
  const name = (await server.context.db('users').where({ id: member.userId }).first('name')).name
  expect(items.map(({ action, target, details }) => [action, target?.name, details])).toEqual([
    ['createApiKey', 'Narrow', { scopes: ['project:read'], expiresInDays: 3, key }],
    ['removePerson', name, { key }],
    ['updatePerson', name, { role: 'admin', was: 'viewer', key }],
  ])
  expect((await owner.call(listAudit, { query: { text: key, limit: 3 } })).items).toHaveLength(3)
})

test('the export is CSV that no spreadsheet runs', async () => {
  await owner.call(createApiKey, { body: { name: '=cmd|calc' } })
  const url = `${server.url}/api/v1/audit/export?format=csv`
  const csv = await (await fetch(url, { headers: { authorization: `Bearer ${owner.apiKey}` } })).text()
  expect(csv.split('\r\n')[0]).toContain('at,actor,')
  expect(csv).toContain(`"'=cmd|calc"`)
  expect((await fetch(url)).status).toBe(401)
})
