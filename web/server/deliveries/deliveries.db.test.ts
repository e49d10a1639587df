import { createHmac, createPublicKey, verify } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { addPushDevice, getNotifications, setOwnWebhook, testNotifications } from '@helix/contract/notifications'
import {
  createWebhook,
  deleteWebhook,
  listDeliveries,
  listWebhooks,
  redeliver,
  rotateWebhookSecret,
  testWebhook,
  updateWebhook,
} from '@helix/contract/webhooks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { raise, settle } from '../inbox/store.ts'
import { addProject, addTask } from '../internal/testing.ts'
import { addDevice, listDevices } from '../notifications/store.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { DeliveryRelay } from './relay.ts'

interface Got {
  headers: IncomingHttpHeaders
  raw: Buffer
}
type Answer = { status: number; headers?: Record<string, string> } | 'silence'

/** A receiver that keeps the raw bytes. */
async function openReceiver() {
  const got: Got[] = []
  const next: { answer: Answer } = { answer: { status: 200 } }
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      got.push({ headers: request.headers, raw: Buffer.concat(chunks) })
      if (next.answer !== 'silence') response.writeHead(next.answer.status, next.answer.headers).end('thanks')
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook?a=1`
  const dispose = async (): Promise<void> => {
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  }
  return { url, got, next, [Symbol.asyncDispose]: dispose }
}

let server: TestServer
let owner: Person
let subject = 0
beforeAll(async () => {
  server = await openTestServer({ HELIX_ALLOW_PRIVATE_WEBHOOKS: '1' })
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  await server.context.db('inbox_items').delete()
  await server.context.db('deliveries').delete()
  owner = await server.addPerson()
})

async function raiseOne(): Promise<string> {
  const project = await addProject(owner)
  const task = await addTask(owner, project)
  const about = { orgId: owner.orgId, projectId: project.id, taskId: task.id, kind: 'question' as const, subject: `s${subject++}` }
  await server.context.db.transaction((trx) => raise(trx, { ...about, title: 'Which <port> & host?', detail: 'ünïcode 🎈' }))
  await server.context.pings.sweep()
  return about.subject
}
const hook = (url: string) => owner.call(createWebhook, { body: { name: 'Chat', url, kinds: ['question'], projectIds: null } })
const sweep = (): Promise<void> => server.context.deliveries.sweep()
const dueNow = () =>
  server.context
    .db('deliveries')
    .where({ state: 'waiting' })
    .update({ due_at: new Date(Date.now() - 1000) })

test('a webhook gets each thing once, signed over its raw bytes, as Slack reads it', async () => {
  await using receiver = await openReceiver()
  const { secret, webhook } = await hook(receiver.url)
  await raiseOne()
  await Promise.all([sweep(), sweep()])
  expect(receiver.got).toHaveLength(1)
  const { headers, raw } = receiver.got[0] as Got
  const expected = createHmac('sha256', secret).update(`${headers['x-helix-timestamp']}.`).update(raw).digest('hex')
  expect(headers['x-helix-signature']).toBe(`v1=${expected}`)
  expect(Math.abs(Number(headers['x-helix-timestamp']) - Date.now() / 1000)).toBeLessThan(60)
  const body = JSON.parse(raw.toString())
  expect(body.text).toMatch(/^Which &lt;port&gt; &amp; host\? – Sample #1: /)
  expect(body.blocks[0]).toMatchObject({ type: 'section', text: { type: 'mrkdwn' } })
  expect(body.helix).toMatchObject({ event: 'inbox.raised', items: [{ kind: 'question', detail: 'ünïcode 🎈' }] })
  const [delivery] = (await owner.call(listDeliveries, { params: { webhookId: webhook.id } })).items
  expect(delivery).toMatchObject({ id: headers['x-helix-delivery'], state: 'sent', status: 200, attempts: 1 })
  const stored = await server.context.db('webhooks').where({ id: webhook.id }).first()
  expect(stored.secret).not.toContain(secret)
  expect(JSON.stringify(await owner.call(listWebhooks, {}))).not.toContain(secret)
})

test('a receiver that fails is asked again with growing delay for a day, then shown as failed, and can be asked by hand', async () => {
  await using receiver = await openReceiver()
  const { webhook } = await hook(receiver.url)
  receiver.next.answer = { status: 500 }
  await raiseOne()
  const delays: number[] = []
  for (let attempt = 0; attempt < 11; attempt++) {
    await dueNow()
    await sweep()
    const row = await server.context.db('deliveries').first()
    if (row.state === 'waiting') delays.push(Math.round((row.due_at.getTime() - Date.now()) / 1000))
  }
  expect(delays).toEqual(delays.toSorted((a, b) => a - b))
  const total = delays.reduce((sum, delay) => sum + delay, 0)
  expect(total / 3600).toBeGreaterThan(22)
  expect(total / 3600).toBeLessThanOrEqual(24)
  const [failed] = (await owner.call(listDeliveries, { params: { webhookId: webhook.id } })).items
  expect(failed).toMatchObject({ state: 'failed', status: 500, error: 'HTTP 500', attempts: 11, dueAt: null })
  expect(new Set(receiver.got.map(({ headers }) => headers['x-helix-delivery']))).toEqual(new Set([failed?.id]))
  receiver.next.answer = { status: 204 }
  const params = { webhookId: webhook.id, deliveryId: failed?.id as never }
  expect(await owner.call(redeliver, { params })).toMatchObject({ state: 'sent', status: 204, id: failed?.id })
})

test('a redirect is not followed, and silence ends', async () => {
  await using elsewhere = await openReceiver()
  await using receiver = await openReceiver()
  receiver.next.answer = { status: 307, headers: { location: elsewhere.url } }
  const { webhook } = await hook(receiver.url)
  const outcome = await owner.call(testWebhook, { params: { webhookId: webhook.id } })
  expect(outcome).toMatchObject({ state: 'failed', status: 307, error: expect.stringContaining('redirects are not followed') })
  expect(elsewhere.got).toHaveLength(0)
  receiver.next.answer = 'silence'
  await raiseOne()
  await using hasty = new DeliveryRelay({ ...server.context, timeoutMs: 300 })
  await hasty.sweep()
  expect((await owner.call(listDeliveries, { params: { webhookId: webhook.id } })).items[0]).toMatchObject({
    state: 'waiting',
    error: 'No answer within 0.3 s.',
  })
})

test('a receiver may ask for more time', async () => {
  await using receiver = await openReceiver()
  await hook(receiver.url)
  receiver.next.answer = { status: 429, headers: { 'retry-after': '600' } }
  await raiseOne()
  await sweep()
  const row = await server.context.db('deliveries').first()
  expect(Math.round((row.due_at.getTime() - Date.now()) / 1000)).toBe(600)
})

test('addresses that are not public, plain http and credentials in the URL are refused where private ones are not allowed', async () => {
  await using strict = await openTestServer()
  const person = await strict.addPerson()
  const create = (url: string) => person.call(createWebhook, { body: { name: 'x', url, kinds: ['failed'], projectIds: null } })
  for (const url of ['http://example.com/', 'https://user:pw@example.com/', 'ftp://example.com/', 'nonsense'])
    await expect(create(url)).rejects.toMatchObject({ code: 'invalid_request', details: { fields: { url: expect.any(String) } } })
  for (const url of [
    'https://127.0.0.1/x',
    'https://[::1]/',
    'https://localhost/',
    'https://169.254.169.254/',
    'https://[::ffff:10.0.0.1]/',
    'https://2130706433/',
  ]) {
    const { webhook } = await create(url)
    const outcome = await person.call(testWebhook, { params: { webhookId: webhook.id } })
    expect([url, outcome.state, outcome.error]).toEqual([url, 'failed', expect.stringContaining('not an address of the public internet')])
  }
})

test('what is handled is not delivered, nor what is for a webhook that is switched off or for other kinds', async () => {
  await using receiver = await openReceiver()
  const { webhook } = await hook(receiver.url)
  const handled = await raiseOne()
  await server.context.db.transaction((trx) => settle(trx, owner.orgId, { subject: handled }, { userId: null, reason: 'x' }))
  await sweep()
  await owner.call(updateWebhook, { params: { webhookId: webhook.id }, body: { enabled: false } })
  await raiseOne()
  await owner.call(updateWebhook, { params: { webhookId: webhook.id }, body: { enabled: true, kinds: ['failed'] } })
  await raiseOne()
  await sweep()
  expect(receiver.got).toHaveLength(0)
})

test('a new secret signs from then on, and another organisation finds nothing', async () => {
  await using receiver = await openReceiver()
  const { webhook } = await hook(receiver.url)
  const params = { webhookId: webhook.id }
  const { secret } = await owner.call(rotateWebhookSecret, { params })
  await owner.call(testWebhook, { params })
  const { headers, raw } = receiver.got[0] as Got
  const expected = createHmac('sha256', secret).update(`${headers['x-helix-timestamp']}.${raw}`).digest('hex')
  expect(headers['x-helix-signature']).toBe(`v1=${expected}`)
  const stranger = await server.addPerson()
  for (const endpoint of [testWebhook, listDeliveries, deleteWebhook] as const)
    await expect(stranger.call(endpoint, { params })).rejects.toMatchObject({ code: 'not_found' })
  await owner.call(deleteWebhook, { params })
  expect((await owner.call(listWebhooks, {})).items).toEqual([])
})

test('a person’s own webhook gets what the person is told of', async () => {
  await using receiver = await openReceiver()
  await owner.call(setOwnWebhook, { body: { url: receiver.url } })
  await raiseOne()
  await sweep()
  await owner.call(testNotifications, { body: { channel: 'webhook' } })
  expect(receiver.got.map(({ raw }) => JSON.parse(raw.toString()).helix.event)).toEqual(['inbox.raised', 'test'])
})

const keys = {
  p256dh: 'BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM',
  auth: 'tBHItJI5svbpez7KI4CCXg',
}
const subscribe = (endpoint: string) => owner.call(addPushDevice, { body: { endpoint, keys, device: 'Firefox on Linux' } })

test('a push message carries a VAPID token of this installation for this service, and is encrypted', async () => {
  await using receiver = await openReceiver()
  receiver.next.answer = { status: 201 }
  await subscribe(receiver.url)
  await raiseOne()
  await Promise.all([sweep(), sweep()])
  expect(receiver.got).toHaveLength(1)
  const { headers, raw } = receiver.got[0] as Got
  const [, token = '', key = ''] = /^vapid t=([^,]+), ?k=(.+)$/.exec(headers.authorization ?? '') ?? []
  const { vapidPublicKey } = await owner.call(getNotifications, {})
  expect(key).toBe(vapidPublicKey)
  const point = Buffer.from(key, 'base64url')
  const jwk = { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') }
  const [head = '', claims = '', signature = ''] = token.split('.')
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  const signed = Buffer.from(`${head}.${claims}`)
  expect(verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))).toBe(true)
  const { aud, exp, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString())
  expect([aud, sub]).toEqual([new URL(receiver.url).origin, 'mailto:helix@localhost'])
  expect(exp * 1000 - Date.now()).toBeLessThanOrEqual(24 * 3_600_000)
  expect(headers['content-encoding']).toBe('aes128gcm')
  expect(raw.toString('latin1')).not.toContain('Which')
})

test('a subscription that is gone is forgotten; one that is busy is asked again; one that refuses is not', async () => {
  await using receiver = await openReceiver()
  await subscribe(receiver.url)
  receiver.next.answer = { status: 429, headers: { 'retry-after': '120' } }
  await raiseOne()
  await sweep()
  expect(await server.context.db('deliveries').first()).toMatchObject({ state: 'waiting', last_status: 429 })
  receiver.next.answer = { status: 413 }
  await dueNow()
  await sweep()
  expect(await server.context.db('deliveries').first()).toMatchObject({ state: 'failed', last_status: 413 })
  for (const status of [410, 404]) {
    await subscribe(receiver.url)
    receiver.next.answer = { status }
    await raiseOne()
    await sweep()
    expect((await owner.call(getNotifications, {})).devices).toEqual([])
    expect(await server.context.db('deliveries').where({ state: 'waiting' })).toEqual([])
  }
})

test('the same browser subscribes once, for whoever did it last', async () => {
  await subscribe('https://push.example.invalid/one')
  await subscribe('https://push.example.invalid/one')
  expect((await owner.call(getNotifications, {})).devices).toHaveLength(1)
  const other = await server.addPerson()
  await other.call(addPushDevice, { body: { endpoint: 'https://push.example.invalid/one', keys, device: 'The same' } })
  expect((await owner.call(getNotifications, {})).devices).toEqual([])
})

test('in several organisations of one person the same browser is told by each', async () => {
  const endpoint = 'https://push.example.invalid/shared'
  const elsewhere = await server.addPerson()
  const { db } = server.context
  await db('memberships').insert({ org_id: elsewhere.orgId, user_id: owner.userId, role: 'member' })
  await addDevice(db, elsewhere.orgId, owner.userId, { endpoint, keys, device: 'Firefox on Linux' })
  await subscribe(endpoint)
  expect(await listDevices(db, elsewhere.orgId, owner.userId)).toHaveLength(1)
  expect((await owner.call(getNotifications, {})).devices).toHaveLength(1)
  const other = await server.addPerson()
  await addDevice(db, other.orgId, other.userId, { endpoint, keys, device: 'The same' })
  expect(await db('push_subscriptions').where({ endpoint })).toHaveLength(1)
})
