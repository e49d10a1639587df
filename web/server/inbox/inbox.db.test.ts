import { createClient } from '@helix/contract/client'
import type { InboxItem } from '@helix/contract/inbox'
import { countInbox, finishInboxItem, listInbox, readInboxItem, snoozeInboxItem } from '@helix/contract/inbox'
import type { Role } from '@helix/contract/permissions'
import type { Project } from '@helix/contract/projects'
import type { Task } from '@helix/contract/tasks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { newId } from '../context.ts'
import { readEvents } from '../events/store.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject, addTask, writeStep } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { audienceOf } from './reach.ts'
import { raise, remind, settle } from './store.ts'

let server: TestServer
let owner: Person
let project: Project
let task: Task

beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  owner = await server.addPerson()
  project = await addProject(owner)
  task = await addTask(owner, project)
})

/** One more person of the owner's organisation. */
async function colleague(role: Role): Promise<Person> {
  const userId = newId('user')
  const { db } = server.context
  await db('users').insert({ id: userId, email: `${userId}@example.com`, name: `A ${role}` })
  await db('memberships').insert({ org_id: owner.orgId, user_id: userId, role })
  const { secret } = await new IdentityStore(db).createApiKey(owner.orgId, userId, 'test')
  return { orgId: owner.orgId, userId, apiKey: secret, call: createClient({ baseUrl: server.url, token: secret }) }
}

const listOf = async (who: Person, state: 'open' | 'snoozed' | 'done' = 'open'): Promise<InboxItem[]> =>
  (await who.call(listInbox, { query: { state } })).items
const kindsOf = async (who: Person): Promise<string[]> => (await listOf(who)).map(({ kind }) => kind).sort()
const toReview = async (): Promise<void> => {
  await writeStep(server, task.id, 1, 'backlog', 'planning')
  await writeStep(server, task.id, 2, 'planning', 'spec_review')
}
const about = () => ({ orgId: owner.orgId, projectId: project.id, taskId: task.id })

test('a task that enters review asks every reviewer once, and whoever decides ends it for all', async () => {
  const [reviewer, admin, viewer] = await Promise.all([colleague('reviewer'), colleague('admin'), colleague('viewer')])
  await toReview()
  for (const person of [owner, reviewer, admin]) expect(await kindsOf(person)).toEqual(['spec_review'])
  expect(await kindsOf(viewer)).toEqual([])
  expect(await server.context.db('inbox_items').where({ task_id: task.id })).toHaveLength(1)
  await writeStep(server, task.id, 3, 'spec_review', 'queued_implementation', { actorId: reviewer.userId })
  for (const person of [owner, reviewer, admin]) expect(await kindsOf(person)).toEqual([])
  expect(await listOf(owner, 'done')).toMatchObject([{ kind: 'spec_review', doneBy: 'A reviewer', doneReason: 'Approved', mine: true }])
})

test('a step that is written twice raises one item, and a late one none', async () => {
  const extra = { key: 'same' }
  await writeStep(server, task.id, 1, 'backlog', 'failed', {
    ...extra,
    failure: { code: 'internal', message: 'It broke' },
    failedFrom: 'planning',
  })
  await writeStep(server, task.id, 1, 'backlog', 'failed', extra)
  expect((await writeStep(server, task.id, 1, 'backlog', 'spec_review')).outcome).toBe('late')
  expect(await listOf(owner)).toMatchObject([{ kind: 'failed', detail: 'It broke', mine: true, read: false }])
})

test('each status ends what the one before it asked for', async () => {
  await writeStep(server, task.id, 1, 'backlog', 'failed')
  await writeStep(server, task.id, 2, 'failed', 'implementing')
  expect((await listOf(owner, 'done'))[0]).toMatchObject({ kind: 'failed', doneReason: 'Tried again', doneBy: null })
  await server.context.db.transaction(async (trx) => {
    await raise(trx, { ...about(), kind: 'permission', subject: 'one', title: 'May it run npm publish?' })
    await raise(trx, { ...about(), kind: 'question', subject: 'two', title: 'Which port?' })
  })
  await writeStep(server, task.id, 3, 'implementing', 'implementation_review')
  expect(await kindsOf(owner)).toEqual(['implementation_review'])
  await writeStep(server, task.id, 4, 'implementation_review', 'pull_request', { actorId: owner.userId })
  await writeStep(server, task.id, 5, 'pull_request', 'merged')
  expect(await kindsOf(owner)).toEqual([])
})

test('archiving ends everything about the task, mentions too', async () => {
  await toReview()
  await server.context.db.transaction((trx) =>
    raise(trx, { ...about(), kind: 'mention', subject: 'c1', title: 'Somebody mentioned you', userId: owner.userId }),
  )
  await writeStep(server, task.id, 3, 'spec_review', 'archived', { actorId: owner.userId })
  expect(await kindsOf(owner)).toEqual([])
  expect((await listOf(owner, 'done')).map(({ doneReason }) => doneReason)).toEqual(['Archived', 'Archived'])
})

test('a rolled back transaction leaves no item and no event', async () => {
  const before = (await readEvents(server.context.db, owner.orgId, 0, 1000)).length
  await server.context.db
    .transaction(async (trx) => {
      await raise(trx, { ...about(), kind: 'question', subject: 'q', title: 'Really?' })
      throw new Error('no')
    })
    .catch(() => undefined)
  expect(await kindsOf(owner)).toEqual([])
  expect(await readEvents(server.context.db, owner.orgId, 0, 1000)).toHaveLength(before)
})

test('of two that raise the same at once one does, and the same may be raised again once it is done', async () => {
  const item = { ...about(), kind: 'question' as const, subject: 'q', title: 'Which port?' }
  const raised = await Promise.all([1, 2, 3].map(() => server.context.db.transaction((trx) => raise(trx, item))))
  expect(raised.filter((id) => id !== null)).toHaveLength(1)
  const end = () =>
    server.context.db.transaction((trx) => settle(trx, owner.orgId, { subject: 'q' }, { userId: owner.userId, reason: 'Answered' }))
  expect((await Promise.all([end(), end()])).sort()).toEqual([0, 1])
  expect(await server.context.db.transaction((trx) => raise(trx, item))).not.toBeNull()
})

test('a reminder is another ping about the same item', async () => {
  await toReview()
  const which = { kind: 'spec_review' as const, subject: task.id }
  expect(await server.context.db.transaction((trx) => remind(trx, owner.orgId, which))).toBe(true)
  expect(await listOf(owner)).toMatchObject([{ kind: 'spec_review', reminders: 1 }])
  await writeStep(server, task.id, 3, 'spec_review', 'planning')
  expect(await server.context.db.transaction((trx) => remind(trx, owner.orgId, which))).toBe(false)
})

test('snoozing hides an item from one person until its time comes', async () => {
  const reviewer = await colleague('reviewer')
  await toReview()
  const itemId = (await listOf(owner))[0]?.id ?? ('' as never)
  const until = new Date(Date.now() + 3_600_000).toISOString()
  await owner.call(snoozeInboxItem, { params: { itemId }, body: { until } })
  expect(await kindsOf(owner)).toEqual([])
  expect(await listOf(owner, 'snoozed')).toMatchObject([{ id: itemId, snoozedUntil: until }])
  expect(await owner.call(countInbox, {})).toEqual({ open: 0, mine: 0, snoozed: 1 })
  expect(await reviewer.call(countInbox, {})).toEqual({ open: 1, mine: 0, snoozed: 0 })
  await server.context.db('inbox_states').update({ snoozed_until: new Date(Date.now() - 1) })
  expect(await listOf(owner)).toMatchObject([{ id: itemId, snoozedUntil: null }])
  const past = { params: { itemId }, body: { until: new Date(Date.now() - 1000).toISOString() } }
  await expect(owner.call(snoozeInboxItem, past)).rejects.toMatchObject({ code: 'invalid_request' })
})

test('what was read is read for one person only', async () => {
  const reviewer = await colleague('reviewer')
  await toReview()
  const itemId = (await listOf(owner))[0]?.id ?? ('' as never)
  await owner.call(readInboxItem, { params: { itemId }, body: { read: true } })
  expect([(await listOf(owner))[0]?.read, (await listOf(reviewer))[0]?.read]).toEqual([true, false])
})

test('a failure is done by hand for everyone, a review is not', async () => {
  const member = await colleague('member')
  await writeStep(server, task.id, 1, 'backlog', 'failed')
  const itemId = (await listOf(member))[0]?.id ?? ('' as never)
  expect(await member.call(finishInboxItem, { params: { itemId } })).toEqual({ changed: true })
  expect(await owner.call(finishInboxItem, { params: { itemId } })).toEqual({ changed: false })
  expect(await kindsOf(owner)).toEqual([])
  await writeStep(server, task.id, 2, 'failed', 'spec_review')
  const review = (await listOf(owner))[0]?.id ?? ('' as never)
  await expect(owner.call(finishInboxItem, { params: { itemId: review } })).rejects.toMatchObject({ code: 'conflict' })
})

test('a mention is seen by the one person, and a reviewer sees no failures', async () => {
  const [reviewer, member] = await Promise.all([colleague('reviewer'), colleague('member')])
  await server.context.db.transaction((trx) =>
    raise(trx, { ...about(), kind: 'mention', subject: 'c', title: 'You', userId: reviewer.userId }),
  )
  await writeStep(server, task.id, 1, 'backlog', 'failed')
  expect(await kindsOf(reviewer)).toEqual(['mention'])
  expect(await kindsOf(member)).toEqual(['failed'])
  expect(await kindsOf(owner)).toEqual(['failed'])
  const itemId = (await listOf(reviewer))[0]?.id ?? ('' as never)
  await expect(member.call(finishInboxItem, { params: { itemId } })).rejects.toMatchObject({ code: 'not_found' })
})

test('a private project’s items are seen by who was let in, with the role given there', async () => {
  const [member, reviewer, outsider] = await Promise.all([colleague('member'), colleague('viewer'), colleague('member')])
  const { db } = server.context
  await db('projects').where({ id: project.id }).update({ visibility: 'private' })
  await db('project_access').insert({ project_id: project.id, org_id: owner.orgId, user_id: member.userId, role: 'viewer' })
  const teamId = newId('team')
  await db('teams').insert({ id: teamId, org_id: owner.orgId, name: 'Reviewers' })
  await db('team_members').insert({ team_id: teamId, org_id: owner.orgId, user_id: reviewer.userId })
  await db('project_access').insert({ project_id: project.id, org_id: owner.orgId, team_id: teamId, role: 'reviewer' })
  await toReview()
  expect(await kindsOf(owner)).toEqual(['spec_review'])
  expect(await kindsOf(reviewer)).toEqual(['spec_review'])
  expect(await kindsOf(member)).toEqual([])
  expect(await kindsOf(outsider)).toEqual([])
  const item = { orgId: owner.orgId, projectId: project.id, kind: 'spec_review' as const, userId: null }
  expect((await audienceOf(db, item)).sort()).toEqual([owner.userId, reviewer.userId].sort())
  const itemId = (await listOf(owner))[0]?.id ?? ('' as never)
  const until = new Date(Date.now() + 3_600_000).toISOString()
  await expect(outsider.call(snoozeInboxItem, { params: { itemId }, body: { until } })).rejects.toMatchObject({ code: 'not_found' })
})

test('who is deactivated is told of nothing, and a deleted project asks nobody for anything', async () => {
  const reviewer = await colleague('reviewer')
  const { db } = server.context
  await toReview()
  const item = { orgId: owner.orgId, projectId: project.id, kind: 'spec_review' as const, userId: null }
  expect(await audienceOf(db, item)).toContain(reviewer.userId)
  await db('projects')
    .where({ id: project.id })
    .update({ default_reviewers: JSON.stringify([reviewer.userId]) })
  expect(await owner.call(countInbox, {})).toMatchObject({ open: 1, mine: 0 })
  await db('memberships').where({ user_id: reviewer.userId }).update({ deactivated_at: new Date() })
  expect(await audienceOf(db, item)).toEqual([owner.userId])
  expect(await owner.call(countInbox, {})).toMatchObject({ open: 1, mine: 1 })
  await db('projects').where({ id: project.id }).update({ deleted_at: new Date() })
  expect(await owner.call(countInbox, {})).toMatchObject({ open: 0 })
  expect(await kindsOf(owner)).toEqual([])
  await db('projects').where({ id: project.id }).update({ deleted_at: null })
  expect(await kindsOf(owner)).toEqual(['spec_review'])
})

test('a long list comes in pages without gaps or doubles, open and done', async () => {
  for (let count = 0; count < 7; count++)
    await server.context.db.transaction((trx) => raise(trx, { ...about(), kind: 'question', subject: String(count), title: `Q${count}` }))
  for (const state of ['open', 'done'] as const) {
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: { items: InboxItem[]; nextCursor: string | null } = await owner.call(listInbox, {
        query: { state, limit: 3, projectId: project.id, ...(cursor === null ? {} : { cursor }) },
      })
      seen.push(...page.items.map(({ title }) => title))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(new Set(seen)).toEqual(new Set(['Q0', 'Q1', 'Q2', 'Q3', 'Q4', 'Q5', 'Q6']))
    expect(seen).toHaveLength(7)
    await server.context.db.transaction((trx) => settle(trx, owner.orgId, { taskId: task.id }, { userId: null, reason: 'x' }))
  }
})
