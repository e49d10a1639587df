import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { newId } from '../context.ts'
import { openTestContext, seedOrg, type TestContext } from '../testing/context.ts'
import { OutboxRelay } from './relay.ts'
import { claimDue, enqueue, hurry } from './store.ts'

let context: TestContext
let orgId: Awaited<ReturnType<typeof seedOrg>>['orgId']
beforeAll(async () => {
  context = await openTestContext()
  orgId = (await seedOrg(context)).orgId
})
afterAll(() => context[Symbol.asyncDispose]())
beforeEach(async () => {
  await context.db('outbox').delete()
  context.recorded.signals.length = 0
  context.recorded.failure = null
})

const signal = (taskId = newId('task'), note = 'n') => ({ kind: 'signalTask' as const, taskId, signal: 'pushed' as const, payload: note })
const waiting = async (): Promise<number> => Number((await context.db('outbox').count('* as count').first())?.count)

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let look = 0; look < 400; look++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('it never came to that')
}

test('what was committed before a crash is delivered by the next process', async () => {
  await enqueue(context.db, orgId, signal())
  await using relay = new OutboxRelay(context.db, context.recorded, context.log)
  relay.start()
  await until(async () => (await waiting()) === 0)
  expect(context.recorded.signals).toHaveLength(1)
})

test('what a rolled back transaction wanted to say is not said', async () => {
  await context.db
    .transaction(async (trx) => {
      await enqueue(trx, orgId, signal())
      throw new Error('no')
    })
    .catch((error: Error) => expect(error.message).toBe('no'))
  expect(await waiting()).toBe(0)
})

test('while Temporal is away messages wait with the reason, and go in their order when it is back', async () => {
  const taskId = newId('task')
  for (const note of ['first', 'second', 'third']) await enqueue(context.db, orgId, signal(taskId, note))
  context.recorded.failure = new Error('Temporal is away')
  await using relay = new OutboxRelay(context.db, context.recorded, context.log)
  relay.start()
  await until(async () => (await context.db('outbox').whereNotNull('last_error')).length === 3)
  expect((await context.db('outbox').first()).last_error).toBe('Temporal is away')
  context.recorded.failure = null
  await context.db('outbox').update({ due_at: context.db.fn.now() })
  relay.nudge()
  await until(async () => (await waiting()) === 0)
  expect(context.recorded.signals.map(({ payload }) => payload)).toEqual(['first', 'second', 'third'])
})

test('two replicas share the work and deliver each message once', async () => {
  for (let count = 0; count < 120; count++) await enqueue(context.db, orgId, signal(newId('task'), String(count)))
  await using one = new OutboxRelay(context.db, context.recorded, context.log)
  await using other = new OutboxRelay(context.db, context.recorded, context.log)
  one.start()
  other.start()
  await until(async () => (await waiting()) === 0)
  const notes = context.recorded.signals.map(({ payload }) => payload)
  expect([notes.length, new Set(notes).size]).toEqual([120, 120])
})

test('a message that was claimed by a relay that died comes due again', async () => {
  await enqueue(context.db, orgId, signal())
  expect(await claimDue(context.db, 10, 1500)).toHaveLength(1)
  expect(await claimDue(context.db, 10, 1500)).toHaveLength(0)
  await until(async () => (await claimDue(context.db, 10, 1500)).length === 1)
})

test('what can wait is told later, at once when its session is told more, and in the order of writing', async () => {
  const told = (sessionId: ReturnType<typeof newId<'session'>>, payload: string) =>
    ({ kind: 'tellSession', taskId: null, sessionId, signal: 'wake', payload }) as const
  const [one, other] = [newId('session'), newId('session')]
  await enqueue(context.db, orgId, told(one, 'first'), { laterMs: 600_000 })
  await enqueue(context.db, orgId, told(other, 'still'), { laterMs: 600_000 })
  expect(await claimDue(context.db, 10, 1500)).toEqual([])
  await enqueue(context.db, orgId, told(one, 'second'))
  const due = await claimDue(context.db, 10, 1500)
  expect(due.map(({ message }) => (message as { payload: unknown }).payload)).toEqual(['first', 'second'])
  await hurry(context.db, other)
  expect(await claimDue(context.db, 10, 1500)).toMatchObject([{ message: { payload: 'still' } }])
})
