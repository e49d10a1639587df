import { countInbox, listInbox } from '@helix/contract/inbox'
import { setReviewers } from '@helix/contract/reviews'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestFolder, type TestFolder } from '../git/testing.ts'
import { announceNext } from '../notifications/announce.ts'
import { addColleague, ReviewedTask } from '../reviews/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { remind } from './store.ts'

let server: TestServer
let owner: Person
let [ada, grace]: Person[] = []
let reviewed: ReviewedTask
let folder: TestFolder

beforeAll(async () => {
  ;[server, folder] = await Promise.all([openTestServer(), openTestFolder()])
})
afterAll(async () => {
  await folder?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  owner = await server.addPerson()
  ;[ada, grace] = await Promise.all([addColleague(server, owner, 'reviewer', 'Ada'), addColleague(server, owner, 'reviewer', 'Grace')])
  reviewed = await ReviewedTask.open(server, owner, folder.path)
})

/** Whose own the open review is, of these; and that the count beside it says the same. */
async function ownOf(...people: (Person | undefined)[]): Promise<boolean[]> {
  return Promise.all(
    people.map(async (person) => {
      if (person === undefined) throw new Error('nobody')
      const [item] = (await person.call(listInbox, { query: {} })).items
      expect(item?.kind).toBe('spec_review')
      const { open, mine } = await person.call(countInbox, {})
      expect([open, mine]).toEqual([1, item?.mine === true ? 1 : 0])
      return item?.mine === true
    }),
  )
}
const name = (...people: (Person | undefined)[]) =>
  owner.call(setReviewers, { params: reviewed.params, body: { userIds: people.flatMap((one) => one?.userId ?? []) } })

async function pinged(): Promise<string[]> {
  const { db } = server.context
  while (await announceNext(db, server.url));
  const rows = await db('pings').where({ org_id: owner.orgId, channel: 'email' }).orderBy('id').select('user_id')
  return rows.map((row) => row.user_id)
}

test('a review is for its named reviewers, and for those behind the task where nobody is named', async () => {
  expect(await ownOf(owner, ada, grace)).toEqual([true, false, false])
  await name(ada)
  expect(await ownOf(owner, ada, grace)).toEqual([false, true, false])
  await reviewed.rules({ defaultReviewerIds: [grace?.userId as never] })
  expect(await ownOf(owner, ada, grace)).toEqual([false, true, false])
  await owner.call(setReviewers, { params: reviewed.params, body: { userIds: null } })
  expect(await ownOf(owner, ada, grace)).toEqual([false, false, true])
})

test('reviewers who belong here no more leave the review to those behind the task', async () => {
  await name(ada)
  const membership = () => server.context.db('memberships').where({ user_id: ada?.userId })
  await membership().update({ deactivated_at: new Date() })
  expect(await ownOf(owner, grace)).toEqual([true, false])
  await membership().delete()
  expect(await ownOf(owner, grace)).toEqual([true, false])
})

test('who has approved has done their part, until the spec changes', async () => {
  await reviewed.rules({ approvalsNeeded: 2 })
  await name(ada, grace)
  const { commit } = (await reviewed.spec()).revision ?? { commit: '' }
  expect(await reviewed.approve(ada as Person, commit)).toMatchObject({ outcome: 'counted' })
  expect(await ownOf(owner, ada, grace)).toEqual([false, false, true])
  await reviewed.push({ requirements: '# Two\n\nGreet everybody.\n' })
  expect(await ownOf(owner, ada, grace)).toEqual([false, true, true])
})

test('whose approval a new revision made void is asked again with the reason, and nobody else is', async () => {
  await reviewed.rules({ approvalsNeeded: 2 })
  await name(ada, grace)
  expect((await pinged()).toSorted()).toEqual([ada?.userId, grace?.userId].toSorted())
  await server.context.db('pings').where({ org_id: owner.orgId }).update({ state: 'sent' })
  const { commit } = (await reviewed.spec()).revision ?? { commit: '' }
  await reviewed.approve(ada as Person, commit)
  const events = () => server.context.db('events').where({ org_id: owner.orgId }).orderBy('id').select('type', 'payload')
  const before = (await events()).length
  await reviewed.push({ requirements: '# Two\n\nGreet everybody.\n' })
  const since = (await events()).slice(before).map(({ type, payload }) => [type, payload.userId ?? payload.activity])
  expect(since).toContainEqual(['inbox.changed', ada?.userId])
  expect(since).toContainEqual(['task.activity', 'The spec waits for your review: revision 2 is new'])
  const waiting = async () => {
    await pinged()
    return (await server.context.db('pings').where({ org_id: owner.orgId, channel: 'email', state: 'waiting' })).map(
      ({ user_id }) => user_id,
    )
  }
  expect(await waiting()).toEqual([ada?.userId])
  const [item] = (await (ada as Person).call(listInbox, { query: {} })).items
  expect(item?.detail).toBe('Revision 2 came: what was approved before does not count any more.')
  await reviewed.push({ requirements: '# Three\n' })
  expect(await waiting()).toEqual([ada?.userId])
})

test('who is named later is told then, nobody twice, and a reminder does not go to who has approved', async () => {
  await reviewed.rules({ approvalsNeeded: 2 })
  await name(ada)
  expect(await pinged()).toEqual([ada?.userId])
  await name(ada, grace)
  expect(await pinged()).toEqual([ada?.userId, grace?.userId])
  const { commit } = (await reviewed.spec()).revision ?? { commit: '' }
  await reviewed.approve(ada as Person, commit)
  const which = { kind: 'spec_review' as const, subject: reviewed.task.id }
  await server.context.db.transaction((trx) => remind(trx, owner.orgId, which))
  expect(await pinged()).toEqual([ada?.userId, grace?.userId, grace?.userId])
})
