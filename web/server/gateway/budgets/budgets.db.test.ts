import {
  listBudgets,
  listProjectBudgets,
  listTaskBudgets,
  removeTaskBudget,
  setBudget,
  setProjectBudget,
  setTaskBudget,
} from '@helix/contract/budgets'
import { createClient } from '@helix/contract/client'
import type { SessionId } from '@helix/contract/ids'
import { listInbox } from '@helix/contract/inbox'
import { openSession, recordTurn } from '@helix/contract/internal'
import type { Role } from '@helix/contract/permissions'
import type { Project } from '@helix/contract/projects'
import { createSession } from '@helix/contract/session-life'
import { getTimeline } from '@helix/contract/task-work'
import { getBoard, type Task } from '@helix/contract/tasks'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { newId } from '../../context.ts'
import { IdentityStore } from '../../identity/store.ts'
import { addProject, addTask, writeStep } from '../../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../../testing/server.ts'
import type { Scope } from '../ports/scope.ts'
import { type Budgets, openBudgets } from './open.ts'
import { resumeStops } from './stops/resume.ts'
import { notePoints, tellThresholds } from './thresholds/store.ts'

let server: TestServer
let budgets: Budgets
let owner: Person
let project: Project
let task: Task
let sessionId: SessionId
let scope: Scope

beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  const { db, bus, outbox, log } = server.context
  await db('outbox').delete()
  budgets = openBudgets({ db, bus, outbox, log, hear: deaf, frontendUrl: 'https://helix.example.com' })
  owner = await server.addPerson()
  project = await addProject(owner)
  task = await addTask(owner, project)
  sessionId = (await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })).sessionId
  await writeStep(server, task.id, 1, 'backlog', 'implementing')
  scope = { orgId: owner.orgId, projectId: project.id, taskId: task.id, sessionId, userId: null, keyPrefix: null }
})
afterEach(() => budgets[Symbol.asyncDispose]())

/** What others tell is learned by asking. */
const deaf = () => ({ [Symbol.asyncDispose]: async () => {} })
const ofProject = () => ({ params: { projectId: project.id } })
const ofTask = () => ({ params: { taskId: task.id } })
const dollars = (microUsd: number) => ({ microUsd, tokens: 0 })

async function colleague(role: Role): Promise<Person> {
  const userId = newId('user')
  const { db } = server.context
  await db('users').insert({ id: userId, email: `${userId}@example.com`, name: `A ${role}` })
  await db('memberships').insert({ org_id: owner.orgId, user_id: userId, role })
  const { secret } = await new IdentityStore(db).createApiKey(owner.orgId, userId, 'test')
  return { orgId: owner.orgId, userId, apiKey: secret, call: createClient({ baseUrl: server.url, token: secret }) }
}

/** A turn of the session is refused for want of budget and ends. */
async function refusedTurn(worst = 400_000, of: SessionId = sessionId) {
  const promptId = newId('prompt')
  const row = {
    id: promptId,
    org_id: owner.orgId,
    session_id: of,
    task_id: of === sessionId ? task.id : null,
    kind: 'implement',
    text: 'x',
  }
  await server.context.db('prompts').insert({ ...row, state: 'running' })
  const refused = await Promise.resolve(
    budgets.holds.reserve({ ...scope, sessionId: of, ...(of === sessionId ? {} : { taskId: null }) }, dollars(worst)),
  ).catch((error) => error)
  const body = { promptId, state: 'failed' as const, outcome: '402 budget_exhausted' }
  return { refused, promptId, ...(await server.worker(recordTurn, { params: { sessionId: of }, body })) }
}
const kindsOf = async (who: Person) => (await who.call(listInbox, { query: {} })).items.map(({ kind }) => kind)
const signals = async () =>
  (await server.context.db('outbox').orderBy('id').select('payload'))
    .map(({ payload }) => payload)
    .filter(({ kind }) => kind !== 'startTask')
const cardOf = async () => (await owner.call(getBoard, ofProject())).cards.find(({ id }) => id === task.id)

test('the refusal says which budget, its limit, and who may raise it where', async () => {
  await owner.call(setProjectBudget, { ...ofProject(), body: { period: 'month', unit: 'money', limit: 1_000_000 } })
  ;(await budgets.holds.reserve(scope, dollars(700_000))).settle(dollars(700_000))
  const { refused } = await refusedTurn()
  expect(refused).toMatchObject({ code: 'budget_exhausted', status: 402, details: { limit: 1_000_000, spent: 700_000, needs: 400_000 } })
  expect(refused.message).toBe(
    'The budget of the project Sample for this month, $1.00, is exhausted: $0.70 are spent and the next call may cost $0.40. ' +
      `An administrator of the project may raise it at https://helix.example.com/projects/${project.id}/settings/budgets`,
  )
})

test('a turn that a budget ended pauses the task; who may raises it, and the same step is told to go on, once', async () => {
  const [admin, member] = await Promise.all([colleague('admin'), colleague('member')])
  await owner.call(setProjectBudget, { ...ofProject(), body: { period: 'month', unit: 'money', limit: 100_000 } })
  const { budget, promptId } = await refusedTurn()
  expect(budget).toMatchObject({ message: expect.stringContaining('The budget of the project Sample') })
  const again = await server.worker(recordTurn, { params: { sessionId }, body: { promptId, state: 'failed', outcome: '402' } })
  expect(again.budget).toEqual(budget)
  expect((await cardOf())?.needsBudget).toBe(true)
  expect((await owner.call(getTimeline, ofTask())).budgetStops).toMatchObject([{ id: budget?.stopId, endedAt: null }])
  // A project's budget is raised by its administrators: nobody else is asked to.
  expect([await kindsOf(owner), await kindsOf(admin), await kindsOf(member)]).toEqual([['budget'], ['budget'], []])
  const shown = await member.call(listTaskBudgets, ofTask())
  expect(shown).toMatchObject({ stop: { id: budget?.stopId, needs: 400_000 }, items: [{ scope: 'project', mayChange: false }] })

  const body = { period: 'month', unit: 'money', limit: 300_000 } as const
  expect((await admin.call(setProjectBudget, { ...ofProject(), body })).resumed).toBe(0)
  expect((await admin.call(setProjectBudget, { ...ofProject(), body: { ...body, limit: 500_000, was: 300_000 } })).resumed).toBe(1)
  expect(await signals()).toEqual([{ kind: 'signalTask', taskId: task.id, signal: 'budgetRaised', payload: { stopId: budget?.stopId } }])
  expect([(await cardOf())?.needsBudget, await kindsOf(owner), await kindsOf(admin)]).toEqual([false, [], []])
  expect(await resumeStops(server.context, owner.orgId, null)).toBe(0)
  const audited = await server.context
    .db('audit_log')
    .where({ org_id: owner.orgId, action: 'setProjectBudget' })
    .orderBy('at', 'desc')
    .first()
  expect(audited).toMatchObject({ actor_id: admin.userId, details: { limit: 500_000, was: 300_000, period: 'month' } })
})

test('members raise the budget of a task, and one that somebody changed meanwhile is not overwritten', async () => {
  const member = await colleague('member')
  const body = { period: 'total', unit: 'money', limit: 100_000 } as const
  await member.call(setTaskBudget, { ...ofTask(), body })
  await refusedTurn()
  expect(await kindsOf(member)).toEqual(['budget'])
  await expect(member.call(setTaskBudget, { ...ofTask(), body: { ...body, limit: 900_000, was: 50_000 } })).rejects.toMatchObject({
    code: 'conflict',
    message: 'Somebody else changed this budget: it is $0.10 now. Look again.',
  })
  await member.call(removeTaskBudget, { params: { taskId: task.id, period: 'total', unit: 'money' } })
  expect((await signals()).map(({ signal }) => signal)).toEqual(['budgetRaised'])
})

test('what was held is room again: the task goes on by itself', async () => {
  await owner.call(setTaskBudget, { ...ofTask(), body: { period: 'total', unit: 'money', limit: 1_000_000 } })
  const open = await budgets.holds.reserve(scope, dollars(700_000))
  const { db } = server.context
  await db('budget_stops').insert({
    ...{ id: newId('budgetStop'), org_id: owner.orgId, project_id: project.id, task_id: task.id, session_id: sessionId, needs: 400_000 },
    ...{ message: 'held', paused_at: db.fn.now(), budget_id: (await owner.call(listTaskBudgets, ofTask())).items[0]?.id },
  })
  expect(await resumeStops(server.context, null, null)).toBe(0)
  open.settle(dollars(100_000))
  await new Promise((resolve) => setTimeout(resolve, 1600))
  await budgets.holds.sync()
  expect(await resumeStops(server.context, null, null)).toBe(1)
})

test('a task that moved on is not waited for, and a turn that ended by itself later is no pause', async () => {
  await owner.call(setTaskBudget, { ...ofTask(), body: { period: 'total', unit: 'money', limit: 0 } })
  await refusedTurn()
  await writeStep(server, task.id, 2, 'implementing', 'backlog')
  expect([(await cardOf())?.needsBudget, await kindsOf(owner)]).toEqual([false, []])
  await server.context.db('budget_stops').insert({
    ...{ id: newId('budgetStop'), org_id: owner.orgId, project_id: project.id, task_id: task.id, session_id: sessionId, needs: 1 },
    ...{ message: 'long ago', stopped_at: server.context.db.raw("now() - interval '5 minutes'") },
  })
  const body = { promptId: newId('prompt'), state: 'ended' as const, outcome: 'end_turn' }
  expect((await server.worker(recordTurn, { params: { sessionId }, body })).budget).toBeUndefined()
})

test('a session without a task is told to go on by a message', async () => {
  const own = await owner.call(createSession, { ...ofProject(), body: {} })
  await server.context.db('outbox').delete()
  await owner.call(setBudget, { body: { period: 'day', unit: 'money', limit: 1 } })
  const { budget } = await refusedTurn(10, own.id)
  expect(budget).toBeDefined()
  expect(await kindsOf(owner)).toEqual(['budget'])
  expect((await owner.call(setBudget, { body: { period: 'day', unit: 'money', limit: 1000 } })).resumed).toBe(1)
  expect(await signals()).toMatchObject([{ kind: 'tellSession', sessionId: own.id, signal: 'prompt' }])
})

test('each threshold is told once in a period, to who may change the budget, and again when it was raised', async () => {
  const member = await colleague('member')
  const limit = { period: 'month', unit: 'money' } as const
  await owner.call(setBudget, { body: { ...limit, limit: 1000 } })
  const titles = async (who: Person) => (await who.call(listInbox, { query: {} })).items.map(({ title }) => title)
  const spend = async (amount: number) => {
    ;(await budgets.holds.reserve(scope, dollars(amount))).settle(dollars(amount))
    await budgets.holds.sync()
    await tellThresholds(server.context.db)
    await tellThresholds(server.context.db)
  }
  await spend(490)
  expect(await titles(owner)).toEqual([])
  await spend(20)
  expect([await titles(owner), await titles(member)]).toEqual([['50 % of the organisation’s budget is spent'], []])
  await spend(450)
  expect(await titles(owner)).toEqual(['95 % of the organisation’s budget is spent'])
  await owner.call(setBudget, { body: { ...limit, limit: 1400 } })
  expect(await titles(owner)).toEqual([])
  await spend(200)
  expect(await titles(owner)).toEqual(['80 % of the organisation’s budget is spent'])
  await notePoints(server.context.db)
  const { items } = await owner.call(listBudgets, {})
  expect(items).toMatchObject([{ scope: 'organisation', spent: 1160, points: [{ spent: 1160 }], mayChange: true }])
  expect((await owner.call(listProjectBudgets, ofProject())).items).toHaveLength(1)
})

test('a budget that is raised before the refused turn has ended is no pause: the turn goes on at once', async () => {
  const body = { period: 'total', unit: 'money', limit: 0 } as const
  await owner.call(setTaskBudget, { ...ofTask(), body })
  await Promise.resolve(budgets.holds.reserve(scope, dollars(100))).catch(() => undefined)
  await owner.call(setTaskBudget, { ...ofTask(), body: { ...body, limit: 1000 } })
  const promptId = newId('prompt')
  await server.context.db('prompts').insert({
    ...{ id: promptId, org_id: owner.orgId, session_id: sessionId, task_id: task.id, kind: 'implement', text: 'x', state: 'running' },
  })
  const { budget } = await server.worker(recordTurn, { params: { sessionId }, body: { promptId, state: 'failed', outcome: '402' } })
  expect(await signals()).toEqual([{ kind: 'signalTask', taskId: task.id, signal: 'budgetRaised', payload: { stopId: budget?.stopId } }])
  expect([(await cardOf())?.needsBudget, await kindsOf(owner)]).toEqual([false, []])
})
