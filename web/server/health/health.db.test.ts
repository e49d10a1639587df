import { HelixError } from '@helix/contract/errors'
import { getHealth, type Health, type HealthKey, healthKeys, listRetries } from '@helix/contract/health'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { enqueue } from '../outbox/store.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { HealthMonitor } from './monitor.ts'

let server: TestServer
let home: Person
let elsewhere: Person

beforeAll(async () => {
  server = await openTestServer()
  home = await server.addPerson()
  elsewhere = await server.addPerson()
  await server.context.db('installation').insert({ key: 'administrator', value: JSON.stringify({ userId: home.userId }) })
})
afterAll(() => server[Symbol.asyncDispose]())

const part = ({ parts }: Pick<Health, 'parts'>, key: HealthKey) => parts.find((one) => one.key === key)
/** A look of its own, not held back by the one before. */
const look = () => new HealthMonitor(server.context, server.context.log).look(true)

test('who administers the first organisation sees every part; to every other administrator it is not there', async () => {
  const health = await home.call(getHealth, { query: { fresh: 'true' } })
  expect(health.parts.map(({ key }) => key)).toEqual([...healthKeys])
  expect(part(health, 'database')).toMatchObject({ state: 'ok', text: expect.stringMatching(/PostgreSQL \d+/), lastError: null })
  expect(part(health, 'temporal')).toMatchObject({ state: 'ok' })
  expect(part(health, 'storage')).toMatchObject({ text: expect.stringContaining('free for git repositories') })
  expect(part(health, 'events')).toMatchObject({ state: 'ok' })
  expect(part(health, 'hosts')).toMatchObject({ state: 'down', fix: expect.stringContaining('HELIX_RUNNER_TOKEN') })
  expect(part(health, 'mail')).toMatchObject({ state: 'off' })
  for (const endpoint of [getHealth, listRetries]) await expect(elsewhere.call(endpoint, {})).rejects.toMatchObject({ code: 'not_found' })
})

test('with Temporal away the page answers, says so and what to do, and the other parts are as they were', async () => {
  server.context.recorded.failure = new HelixError('temporal_unavailable', 'Temporal at 127.0.0.1:1 does not answer')
  try {
    const found = await look()
    expect(part(found, 'temporal')).toMatchObject({
      state: 'down',
      lastError: { text: 'Temporal at 127.0.0.1:1 does not answer' },
      fix: expect.stringContaining('TEMPORAL_ADDRESS'),
    })
    expect(part(found, 'workers')?.state).toBe('down')
    expect(part(found, 'database')?.state).toBe('ok')
    expect(await home.call(listRetries, {})).toMatchObject({ items: [], problem: 'Temporal at 127.0.0.1:1 does not answer' })
  } finally {
    server.context.recorded.failure = null
  }
})

test('a part that never answers is given up and holds up nobody', async () => {
  const { recorded } = server.context
  const { serverVersion } = recorded
  recorded.serverVersion = () => new Promise(() => undefined)
  try {
    expect(part(await look(), 'temporal')).toMatchObject({ state: 'down', text: expect.stringContaining('no answer within 3 s') })
  } finally {
    recorded.serverVersion = serverVersion
  }
})

test('a queue without a poller, mail and messages that wait with an error are named with it', async () => {
  const { db, recorded } = server.context
  const facts = recorded.queueFacts
  recorded.queueFacts = [{ queue: 'helix', kind: 'workflow', pollers: 0, backlog: 4 }]
  await db.transaction((trx) => enqueue(trx, home.orgId, { kind: 'startTask', taskId: 'tsk_none' as never }))
  await db('outbox').update({ last_error: 'refused', created_at: db.raw("now() - interval '5 minutes'") })
  const found = await look()
  recorded.queueFacts = facts
  await db('outbox').delete()
  expect(part(found, 'workers')).toMatchObject({ state: 'down', text: expect.stringContaining('Nobody takes workflow tasks of helix') })
  expect(part(found, 'outbox')).toMatchObject({
    state: 'down',
    text: '1 message for Temporal wait, the oldest for 5 min',
    lastError: { text: 'refused' },
  })
})
