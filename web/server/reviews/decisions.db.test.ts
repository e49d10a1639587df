import { updateProject } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { applySuggestions, createComment, resolveComment } from '@helix/contract/reviews'
import { approveSpec } from '@helix/contract/task-moves'
import { getTask } from '@helix/contract/tasks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestFolder, type TestFolder } from '../git/testing.ts'
import { writeStep } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { addColleague, ReviewedTask } from './testing.ts'

let server: TestServer
let folder: TestFolder
let owner: Person
let grace: Person
let ada: Person
let reviewed: ReviewedTask
let commit: string

beforeAll(async () => {
  ;[server, folder] = await Promise.all([openTestServer(), openTestFolder()])
  owner = await server.addPerson()
  ;[grace, ada] = [
    await addColleague(server, owner, 'reviewer', 'Grace Hopper'),
    await addColleague(server, owner, 'reviewer', 'Ada Lovelace'),
  ]
})
afterAll(async () => {
  await folder[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  reviewed = await ReviewedTask.open(server, owner, folder.path)
  commit = (await reviewed.spec()).revision?.commit ?? ''
})

const status = async () => (await owner.call(getTask, { params: reviewed.params })).status

test('of two approvals that are needed the first is counted and the second moves the task, however they race', async () => {
  await reviewed.rules({ approvalsNeeded: 2 })
  const outcomes = await Promise.all([reviewed.approve(grace, commit), reviewed.approve(ada, commit)])
  expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['counted', 'written'])
  expect(outcomes.find(({ outcome }) => outcome === 'counted')?.reason).toBe('1 of 2 approvals')
  expect(await status()).toBe('queued_implementation')
  const { approvals } = await reviewed.spec()
  expect(approvals.by.map(({ name }) => name).sort()).toEqual(['Ada Lovelace', 'Grace Hopper'])
})

test('who approves twice counts once', async () => {
  await reviewed.rules({ approvalsNeeded: 2 })
  const outcomes = await Promise.all([reviewed.approve(grace, commit), reviewed.approve(grace, commit)])
  expect(outcomes).toEqual([
    { outcome: 'counted', reason: '1 of 2 approvals' },
    { outcome: 'counted', reason: '1 of 2 approvals' },
  ])
  expect(await status()).toBe('spec_review')
  expect((await owner.call(getTask, { params: reviewed.params })).activity).toBe('The spec waits for your review: 1 of 2 approvals')
})

test('who made the task may not approve it where the project says so, and is told before any worker is asked', async () => {
  expect((await reviewed.spec()).approvals.problem).toBe(null)
  await reviewed.rules({ selfApproval: false })
  expect(await reviewed.approve(owner, commit)).toMatchObject({
    outcome: 'refused',
    reason: expect.stringContaining('You created this task'),
  })
  expect((await reviewed.spec()).approvals.problem).toContain('You created this task')
  expect((await reviewed.spec(undefined, grace)).approvals.problem).toBe(null)
  const asked = server.context.recorded.requests.length
  await expect(owner.call(approveSpec, { params: reviewed.params, body: { commit } })).rejects.toMatchObject({ code: 'transition_refused' })
  expect(server.context.recorded.requests).toHaveLength(asked)
  expect(await reviewed.approve(grace, commit)).toMatchObject({ outcome: 'written' })
})

test('who committed the newest revision may not approve it where the project asks for somebody else', async () => {
  await reviewed.rules({ selfApproval: false })
  const revisionId = (await reviewed.spec()).revision?.id as never
  const anchor = { document: 'design' as const, quote: 'One function', offset: 10 }
  const body = { revisionId, anchor, body: '', suggestion: 'Two functions' }
  const { id } = await ada.call(createComment, { params: reviewed.params, body })
  const { revision } = await grace.call(applySuggestions, { params: reviewed.params, body: { revisionId, commentIds: [id] } })
  const problem = 'You committed revision 2, and the project asks that somebody else approves it.'
  expect((await reviewed.spec(undefined, grace)).approvals.problem).toBe(problem)
  expect(await reviewed.approve(grace, revision.commit)).toEqual({ outcome: 'refused', reason: problem })
  expect(await reviewed.approve(ada, revision.commit)).toMatchObject({ outcome: 'written' })
})

test('the approval of who may review no more does not count', async () => {
  await reviewed.rules({ approvalsNeeded: 2 })
  const alan = await addColleague(server, owner, 'reviewer', 'Alan Turing')
  await reviewed.approve(alan, commit)
  expect((await reviewed.spec()).approvals.by).toHaveLength(1)
  await server.context.db('memberships').where({ user_id: alan.userId }).update({ role: 'viewer' })
  expect((await reviewed.spec()).approvals.by).toEqual([])
  expect(await reviewed.approve(ada, commit)).toMatchObject({ outcome: 'counted', reason: '1 of 2 approvals' })
  expect(await reviewed.approve(grace, commit)).toMatchObject({ outcome: 'written' })
})

test('open threads keep an approval back where the project says so, replies do not count', async () => {
  await reviewed.rules({ requireResolved: true })
  const revisionId = (await reviewed.spec()).revision?.id as never
  const say = (body: object) => grace.call(createComment, { params: reviewed.params, body: { revisionId, body: 'Why?', ...body } })
  const thread = await say({})
  await say({ parentId: thread.id })
  expect(await reviewed.approve(ada, commit)).toEqual({
    outcome: 'refused',
    reason: '1 thread is open, and the project asks that all are resolved before an approval.',
  })
  await grace.call(resolveComment, { params: { ...reviewed.params, commentId: thread.id }, body: { resolved: true } })
  expect(await reviewed.approve(ada, commit)).toMatchObject({ outcome: 'written' })
})

test('a new revision makes the approvals of the older one void, and says so', async () => {
  await reviewed.rules({ approvalsNeeded: 2 })
  await reviewed.approve(grace, commit)
  const newer = await reviewed.push({ design: '# Design\n\nTwo functions.\n' })
  const { reviews, approvals } = await reviewed.spec()
  expect(reviews).toMatchObject([{ verdict: 'approved', commit, by: 'Grace Hopper', voidReason: 'Revision 2 came' }])
  expect(approvals.by).toEqual([])
  expect((await owner.call(getTask, { params: reviewed.params })).activity).toBe('The spec waits for your review: revision 2 is new')
  expect(await reviewed.approve(ada, commit)).toMatchObject({ outcome: 'revision_outdated' })
  expect(await reviewed.approve(grace, newer)).toMatchObject({ outcome: 'counted', reason: '1 of 2 approvals' })
  expect(await reviewed.approve(ada, newer)).toMatchObject({ outcome: 'written' })
})

test('what the agent ticks off after the approval leaves the approval as it is', async () => {
  await reviewed.approve(grace, commit)
  await reviewed.push({ tasks: '- [x] a\n' })
  const { reviews, approvals } = await reviewed.spec()
  expect(reviews).toMatchObject([{ verdict: 'approved', voidReason: null }])
  expect(approvals.by.map(({ name }) => name)).toEqual(['Grace Hopper'])
})

test('requirements or a design that say something else after the approval make it void', async () => {
  await reviewed.approve(grace, commit)
  await reviewed.push({ design: '# Design\n\nThree functions.\n', tasks: '- [x] a\n' })
  expect((await reviewed.spec()).reviews).toMatchObject([
    { verdict: 'approved', voidReason: 'Revision 2 changed the design after the approval' },
  ])
  expect(await status()).toBe('queued_implementation')
})

test('a task that is planned anew is approved anew, by the same people and of the same commit', async () => {
  await reviewed.approve(grace, commit)
  await writeStep(server, reviewed.task.id, 3, 'queued_implementation', 'backlog')
  expect((await reviewed.spec()).reviews).toMatchObject([{ verdict: 'approved', voidReason: 'The task went back to the backlog' }])
  await writeStep(server, reviewed.task.id, 4, 'backlog', 'queued_planning')
  await writeStep(server, reviewed.task.id, 5, 'queued_planning', 'planning')
  await writeStep(server, reviewed.task.id, 6, 'planning', 'spec_review')
  expect((await reviewed.spec()).approvals.by).toEqual([])
  const review = { verdict: 'approved' as const, commit, note: '' }
  const decision = { cause: 'approve_spec', expectSpecCommit: commit, review, actorId: grace.userId }
  expect(await writeStep(server, reviewed.task.id, 7, 'spec_review', 'queued_implementation', decision)).toMatchObject({
    outcome: 'written',
  })
})

test('a revision stays where it was pushed to, whatever repository the project has first', async () => {
  await writeStep(server, reviewed.task.id, 2, 'spec_review', 'archived')
  const { id } = await owner.call(createRepository, { body: { name: `other-${reviewed.task.id}`, source: { kind: 'sample' } } })
  await owner.call(updateProject, { params: { projectId: reviewed.project.id }, body: { repositoryIds: [id] } })
  expect((await reviewed.spec(1)).documents.design).toContain('One function.')
})

test('a decision against the spec ends the approvals there were', async () => {
  await reviewed.rules({ approvalsNeeded: 2 })
  await reviewed.approve(grace, commit)
  expect(await reviewed.decide(ada, commit, 'reject_spec', 'rejected', 'backlog')).toMatchObject({ outcome: 'written' })
  expect(await status()).toBe('backlog')
  expect((await reviewed.spec()).reviews.map(({ verdict, voidReason, note }) => [verdict, voidReason, note])).toEqual([
    ['approved', 'The spec was rejected', 'Because'],
    ['rejected', null, 'Because'],
  ])
})
