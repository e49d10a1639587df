import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { IdentityStore } from './store.ts'

const password = 'correct horse battery'
let server: TestServer
let owner: Person
beforeAll(async () => {
  server = await openTestServer()
  owner = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())

test('a key does what its scopes say until it expires, and makes none that may more', async () => {
  const call = (secret: string, method: string, path: string, body?: object) =>
    fetch(`${server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  const made = await call(owner.apiKey, 'POST', '/api/v1/api-keys', {
    name: 'read',
    scopes: ['project:read', 'account:self'],
    expiresInDays: 1,
  })
  const { secret } = (await made.json()) as { secret: string }
  expect((await call(secret, 'GET', '/api/v1/projects')).status).toBe(200)
  expect((await call(secret, 'GET', '/api/v1/people')).status).toBe(403)
  expect((await call(secret, 'POST', '/api/v1/api-keys', { name: 'more', scopes: ['task:write'] })).status).toBe(403)
  await server.context
    .db('api_keys')
    .where({ name: 'read' })
    .update({ expires_at: server.context.db.raw("now() - interval '1 second'") })
  expect((await call(secret, 'GET', '/api/v1/projects')).status).toBe(401)
  const service = (await (await call(owner.apiKey, 'POST', '/api/v1/service-accounts', { name: 'CI', role: 'member' })).json()) as {
    id: string
  }
  const bot = (await (await call(owner.apiKey, 'POST', '/api/v1/api-keys', { name: 'ci', userId: service.id })).json()) as {
    secret: string
  }
  expect(await (await call(bot.secret, 'GET', '/api/v1/me')).json()).toMatchObject({ role: 'member', user: { name: 'CI' } })
  const keysOf = async (who: string) => {
    const { items } = (await (await call(who, 'GET', `/api/v1/api-keys?userId=${service.id}`)).json()) as { items?: { id: string }[] }
    return items?.map(({ id }) => id)
  }
  const [leaked] = (await keysOf(owner.apiKey)) ?? []
  expect((await call(bot.secret, 'DELETE', `/api/v1/api-keys/${leaked}`)).status).toBe(200)
  expect((await call(bot.secret, 'GET', '/api/v1/me')).status).toBe(401)
  await call(owner.apiKey, 'POST', '/api/v1/api-keys', { name: 'ci 2', userId: service.id })
  const [second] = (await keysOf(owner.apiKey)) ?? []
  const stranger = await server.addPerson()
  expect([await keysOf(stranger.apiKey), (await call(stranger.apiKey, 'DELETE', `/api/v1/api-keys/${second}`)).status]).toEqual([
    undefined,
    404,
  ])
  expect((await call(owner.apiKey, 'DELETE', `/api/v1/api-keys/${second}`)).status).toBe(200)
  expect(await keysOf(owner.apiKey)).toEqual([])
})

test('what a key makes ends no later than the key, and a key takes no account over', async () => {
  const call = async (secret: string, method: string, path: string, body: object) => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    const response = await fetch(`${server.url}${path}`, { method, headers, body: JSON.stringify(body) })
    return (await response.json()) as { secret: string; error?: { code: string; message: string } }
  }
  const short = await call(owner.apiKey, 'POST', '/api/v1/api-keys', { name: 'short', expiresInDays: 2 })
  const made = (expiresInDays: number | null) => call(short.secret, 'POST', '/api/v1/api-keys', { name: 'child', expiresInDays })
  expect((await made(null)).error?.message).toMatch(/^expiresInDays: this key ends on/)
  expect((await made(3)).error?.code).toBe('forbidden')
  expect((await made(1)).secret).toMatch(/^hx_/)
  expect((await call(short.secret, 'PUT', '/api/v1/me/password', { next: password })).error?.code).toBe('forbidden')
  expect((await call(short.secret, 'PATCH', '/api/v1/me', { email: 'mine@example.com' })).error?.code).toBe('forbidden')
})

test('an administrator makes no key of a service account that may more than they', async () => {
  const { userId, orgId } = await server.addPerson()
  const { db } = server.context
  await db('memberships').insert({ org_id: owner.orgId, user_id: userId, role: 'admin' })
  const admin = await new IdentityStore(db).createApiKey(owner.orgId, userId, 'admin')
  const call = async (secret: string, path: string, body: object) => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    return fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  }
  const { id } = (await (await call(owner.apiKey, '/api/v1/service-accounts', { name: 'Boss', role: 'owner' })).json()) as { id: string }
  expect((await call(admin.secret, '/api/v1/api-keys', { name: 'up', userId: id })).status).toBe(403)
  await db('memberships').where({ org_id: owner.orgId, user_id: userId }).delete()
  expect(orgId).not.toBe(owner.orgId)
})
