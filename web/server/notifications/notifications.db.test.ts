import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@helix/contract/client'
import type { UserId } from '@helix/contract/ids'
import { type InboxKind, inboxKinds } from '@helix/contract/inbox'
import { type NotificationSettings, updateNotifications } from '@helix/contract/notifications'
import type { Project } from '@helix/contract/projects'
import type { Task } from '@helix/contract/tasks'
import { createWebhook } from '@helix/contract/webhooks'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { newId } from '../context.ts'
import { IdentityStore } from '../identity/store.ts'
import { raise, remind, settle } from '../inbox/store.ts'
import { addProject, addTask } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { PingRelay } from './relay.ts'

let server: TestServer
let owner: Person
let project: Project
let task: Task
/** What the relay's clock shows; null: the true time. */
let now: Date | null = null

beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  now = null
  await server.context.db('inbox_items').delete()
  await server.context.db('mail_outbox').delete()
  owner = await server.addPerson()
  project = await addProject(owner)
  task = await addTask(owner, project)
})

const relay = (): PingRelay => new PingRelay({ ...server.context, log: pino({ level: 'silent' }), now: () => now ?? new Date() })
async function colleague(role = 'member'): Promise<Person> {
  const userId = newId('user')
  const { db } = server.context
  await db('users').insert({ id: userId, email: `${userId}@example.com`, name: `A ${role}` })
  await db('memberships').insert({ org_id: owner.orgId, user_id: userId, role })
  const { secret } = await new IdentityStore(db).createApiKey(owner.orgId, userId, 'test')
  return { orgId: owner.orgId, userId, apiKey: secret, call: createClient({ baseUrl: server.url, token: secret }) }
}
const raised = (subject: string, kind: InboxKind = 'question', userId?: UserId) =>
  server.context.db.transaction((trx) =>
    raise(trx, {
      orgId: owner.orgId,
      projectId: project.id,
      taskId: task.id,
      kind,
      subject,
      title: `Which ${subject}?`,
      ...(userId === undefined ? {} : { userId }),
    }),
  )
const chosen = (person: Person, settings: Partial<NotificationSettings>) => {
  const choices = Object.fromEntries(inboxKinds.map((kind) => [kind, { email: true, webhook: false, push: false }]))
  const whole = { choices, reach: 'mine', timeZone: 'UTC', quietHours: null, mutedProjects: [], ...settings } as NotificationSettings
  return person.call(updateNotifications, { body: whole })
}
const mails = async (): Promise<{ recipient: string; subject: string; body: string; state: string }[]> =>
  server.context.db('mail_outbox').orderBy('id')
const addressOf = (person: Person): string => `${person.userId}@example.com`

test('two relays that race tell each person once', async () => {
  for (let count = 0; count < 10; count++) {
    await raised(`port ${count}`)
    await Promise.all([relay().sweep(), relay().sweep(), relay().sweep()])
  }
  // A relay that stood back before another has come leaves nothing behind.
  await relay().sweep()
  const told = (await mails()).map(({ body }) => body)
  for (let count = 0; count < 10; count++) expect(told.filter((body) => body.includes(`Which port ${count}?`))).toHaveLength(1)
})

test('those it is about are told; others when they ask for everything, or when nobody it is about may act', async () => {
  const [eager, calm] = await Promise.all([colleague(), colleague()])
  await chosen(eager, { reach: 'all' })
  await raised('port')
  await relay().sweep()
  expect((await mails()).map(({ recipient }) => recipient).sort()).toEqual([addressOf(owner), addressOf(eager)].sort())
  await server.context.db('memberships').where({ user_id: owner.userId }).update({ role: 'viewer' })
  await server.context.db('mail_outbox').delete()
  await raised('host')
  await relay().sweep()
  expect((await mails()).map(({ recipient }) => recipient).sort()).toEqual([addressOf(calm), addressOf(eager)].sort())
})

test('who has the task is told of it too, and a mention only the one', async () => {
  const [assignee, other] = await Promise.all([colleague(), colleague('reviewer')])
  await server.context.db('task_assignees').insert({ task_id: task.id, user_id: assignee.userId })
  await raised('port')
  await raised('mention', 'mention', other.userId)
  await relay().sweep()
  expect((await mails()).map(({ recipient }) => recipient).sort()).toEqual([owner, assignee, other].map(addressOf).sort())
})

test('in quiet hours nothing goes out, and when they end there is one digest of what is still open', async () => {
  // Berlin: the night in which the clocks go forward, and seven in the morning is five in UTC.
  const year = new Date().getUTCFullYear() + 1
  const sunday = 31 - new Date(Date.UTC(year, 2, 31)).getUTCDay()
  now = new Date(Date.UTC(year, 2, sunday - 1, 22, 30))
  await chosen(owner, { timeZone: 'Europe/Berlin', quietHours: { from: '22:00', to: '07:00' } })
  for (const subject of ['one', 'two', 'three']) await raised(subject)
  await relay().sweep()
  await server.context.db.transaction((trx) => settle(trx, owner.orgId, { subject: 'two' }, { userId: owner.userId, reason: 'Answered' }))
  now = new Date(Date.UTC(year, 2, sunday, 4, 59))
  await relay().sweep()
  const early = await mails()
  now = new Date(Date.UTC(year, 2, sunday, 5, 1))
  await Promise.all([relay().sweep(), relay().sweep()])
  await relay().sweep()
  const sent = await mails()
  expect([early.length, sent.length]).toEqual([0, 1])
  expect(sent[0]?.subject).toBe('2 things need you')
  expect(sent[0]?.body).toContain('Which one?')
  expect(sent[0]?.body).toContain('Which three?')
  expect(sent[0]?.body).not.toContain('Which two?')
})

test('what is handled before it is sent is not sent', async () => {
  await raised('port')
  await relay().sweep()
  expect((await mails())[0]?.state).toBe('waiting')
  await server.context.db.transaction((trx) => settle(trx, owner.orgId, { subject: 'port' }, { userId: owner.userId, reason: 'Answered' }))
  expect((await mails())[0]?.state).toBe('cancelled')
  expect(await server.context.mail.sweep()).toBeUndefined()
  expect((await mails())[0]?.state).toBe('cancelled')
})

test('what is handled before its pings are written gets none', async () => {
  await raised('port')
  await server.context.db.transaction((trx) => settle(trx, owner.orgId, { subject: 'port' }, { userId: null, reason: 'Gone' }))
  await relay().sweep()
  expect(await mails()).toEqual([])
})

test('a muted project, a kind that was not chosen and a snoozed item are silent', async () => {
  await chosen(owner, { mutedProjects: [project.id] })
  await raised('muted')
  await relay().sweep()
  const choices = Object.fromEntries(inboxKinds.map((kind) => [kind, { email: kind !== 'question', webhook: true, push: true }]))
  await chosen(owner, { choices: choices as NotificationSettings['choices'] })
  await raised('unchosen')
  await relay().sweep()
  await chosen(owner, {})
  const itemId = await raised('snoozed')
  const until = new Date(Date.now() + 3_600_000)
  await server.context.db('inbox_states').insert({ item_id: itemId, user_id: owner.userId, org_id: owner.orgId, snoozed_until: until })
  await relay().sweep()
  expect(await mails()).toEqual([])
})

test('who may not see it any more when it would be sent is not told', async () => {
  const reviewer = await colleague('reviewer')
  await chosen(reviewer, { reach: 'all' })
  await raised('x', 'spec_review')
  const { db } = server.context
  await db('projects').where({ id: project.id }).update({ visibility: 'private' })
  await relay().sweep()
  expect((await mails()).map(({ recipient }) => recipient)).toEqual([addressOf(owner)])
})

test('nobody who is deactivated is told, no program, and nobody of a deleted project', async () => {
  const { db } = server.context
  const gone = await colleague()
  const program = await colleague()
  for (const person of [gone, program]) await chosen(person, { reach: 'all' })
  await db('users').where({ id: program.userId }).update({ kind: 'service' })
  await raised('port')
  await db('memberships').where({ user_id: gone.userId }).update({ deactivated_at: new Date() })
  await relay().sweep()
  expect((await mails()).map(({ recipient }) => recipient)).toEqual([addressOf(owner)])
  const url = 'https://hooks.example.invalid/chat'
  await owner.call(createWebhook, { body: { name: 'Chat', url, kinds: ['question'], projectIds: null } })
  await raised('host')
  await db('projects').where({ id: project.id }).update({ deleted_at: new Date() })
  await relay().sweep()
  expect(await mails()).toHaveLength(1)
  expect(await db('deliveries').where({ org_id: owner.orgId })).toEqual([])
})

test('what a program asked for is told to those who may act, since it reads no mail itself', async () => {
  const member = await colleague()
  await server.context.db('users').where({ id: owner.userId }).update({ kind: 'service' })
  await raised('port')
  await relay().sweep()
  expect((await mails()).map(({ recipient }) => recipient)).toEqual([addressOf(member)])
})

test('each reminder is one more ping about the same thing', async () => {
  await raised('port')
  await relay().sweep()
  for (let round = 0; round < 2; round++) {
    await server.context.db.transaction((trx) => remind(trx, owner.orgId, { kind: 'question', subject: 'port' }))
    await Promise.all([relay().sweep(), relay().sweep()])
  }
  await relay().sweep()
  expect((await mails()).map(({ subject }) => subject.startsWith('Reminder: '))).toEqual([false, true, true])
})

test('a relay that dies in the middle leaves everything to the next', async () => {
  await raised('port')
  const { db } = server.context
  await db
    .transaction(async (trx) => {
      await new PingRelay({ ...server.context, db: trx, log: pino({ level: 'silent' }) }).sweep()
      throw new Error('killed')
    })
    .catch(() => undefined)
  expect(await mails()).toEqual([])
  await relay().sweep()
  expect(await mails()).toHaveLength(1)
})

test('a started relay tells by itself', async () => {
  await using running = relay()
  running.start()
  await raised('port')
  for (let look = 0; look < 200 && (await mails()).length === 0; look++) await sleep(25)
  expect(await mails()).toHaveLength(1)
})

test('settings are answered as they were written, and nonsense names its field', async () => {
  const settings = await chosen(owner, { timeZone: 'Asia/Tokyo', quietHours: { from: '23:30', to: '06:05' }, mutedProjects: [project.id] })
  expect(settings).toMatchObject({ timeZone: 'Asia/Tokyo', quietHours: { from: '23:30', to: '06:05' }, mutedProjects: [project.id] })
  await expect(chosen(owner, { timeZone: 'Mars/Olympus' })).rejects.toMatchObject({
    code: 'invalid_request',
    details: { fields: { timeZone: expect.stringContaining('time zone') } },
  })
})
