import { removeProjectMember, setProjectMember, setProjectVisibility } from '@helix/contract/access'
import { createTeam } from '@helix/contract/organisations'
import { type Role, roles } from '@helix/contract/permissions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../context.ts'
import { addProject } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { AccessMap } from './map.ts'
import { readAccess, visibleProjects, visibleRepositories } from './store.ts'

let server: TestServer
let owner: Person
beforeAll(async () => {
  server = await openTestServer()
  owner = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())

async function addColleague(role: Role) {
  const userId = newId('user')
  await server.context.db('users').insert({ id: userId, email: `${userId}@example.com`, name: 'Colleague' })
  await server.context.db('memberships').insert({ org_id: owner.orgId, user_id: userId, role })
  return { orgId: owner.orgId, userId, orgRole: role }
}

test('the map of an organisation says of everybody and everything what the lists say', async () => {
  const { db } = server.context
  const people = await Promise.all(roles.map(addColleague))
  const [open, byPerson, byTeam, closed] = await Promise.all([1, 2, 3, 4].map(() => addProject(owner)))
  if (open === undefined || byPerson === undefined || byTeam === undefined || closed === undefined) throw new Error('no project')
  const [member, viewer] = [people[2], people[4]]
  if (member === undefined || viewer === undefined) throw new Error('no person')
  const team = await owner.call(createTeam, { body: { name: 'Team', memberIds: [viewer.userId] } })
  for (const { id } of [byPerson, byTeam, closed])
    await owner.call(setProjectVisibility, { params: { projectId: id }, body: { visibility: 'private' } })
  const grant = (projectId: typeof open.id, granteeId: typeof member.userId | typeof team.id) =>
    owner.call(setProjectMember, { params: { projectId, granteeId }, body: { role: 'viewer' } })
  await grant(byPerson.id, member.userId)
  await grant(byTeam.id, team.id)
  await grant(closed.id, member.userId)
  await owner.call(removeProjectMember, { params: { projectId: closed.id, granteeId: member.userId } })

  const map = new AccessMap(await readAccess(db, owner.orgId))
  const projects = [open, byPerson, byTeam, closed]
  let hidden = 0
  for (const who of people) {
    expect(map.roleOf(who.userId)).toBe(who.orgRole)
    const [seen, repositories] = [await visibleProjects(db, who), await visibleRepositories(db, who)]
    for (const { id, repositories: of } of projects) {
      const shown = map.shows(who.userId, who.orgRole, { projectId: id })
      expect([who.orgRole, shown]).toEqual([who.orgRole, seen?.has(id) ?? true])
      const repositoryId = of[0]?.id
      if (repositoryId === undefined) throw new Error('no repository')
      expect(map.shows(who.userId, who.orgRole, { repositoryId })).toBe(repositories?.has(repositoryId) ?? true)
      if (!shown) hidden += 1
    }
  }
  expect(hidden).toBe(7)
})
