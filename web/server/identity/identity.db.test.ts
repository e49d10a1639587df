import { listAudit } from '@helix/contract/audit'
import { createClient } from '@helix/contract/client'
import { createApiKey, getMe, revokeApiKey } from '@helix/contract/identity'
import { createSignInLink } from '@helix/contract/internal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestServer, type TestServer } from '../testing/server.ts'
import { RegistrationStore } from './registration/store.ts'
import { IdentityStore } from './store.ts'

let server: TestServer
beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

interface Answer {
  status: number
  body: { error?: { code: string }; user?: { id: string }; via?: string }
  cookie: string | null
}

async function ask(method: string, path: string, body: unknown, cookie: string | null = null): Promise<Answer> {
  const headers = { 'content-type': 'application/json', ...(cookie === null ? {} : { cookie, origin: server.url }) }
  const response = await fetch(`${server.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  const set = response.headers.getSetCookie()[0] ?? null
  return { status: response.status, body: (await response.json()) as Answer['body'], cookie: set?.split(';')[0] ?? null }
}

const freshLink = async (): Promise<string> => (await server.worker(createSignInLink, {})).token
const useLink = (token: string) => ask('POST', '/api/v1/sign-in/link', { token })
const me = (cookie: string | null) => ask('GET', '/api/v1/me', undefined, cookie)

test('a link signs in once: of eight who use it at the same time, one gets in', async () => {
  const token = await freshLink()
  const answers = await Promise.all(Array.from({ length: 8 }, () => useLink(token)))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(401)])
  const [winner] = answers.filter(({ status }) => status === 200)
  expect((await me(winner?.cookie ?? null)).body).toMatchObject({ via: 'cookie' })
})

test('an expired link is refused as a wrong one is', async () => {
  const token = await freshLink()
  await server.context.db('sign_in_links').update({ expires_at: server.context.db.raw("now() - interval '1 second'") })
  await server.context.db('sign_in_links').whereNotNull('used_at').delete()
  const store = new IdentityStore(server.context.db)
  expect(await store.useLink(token)).toBe(null)
  expect(await store.useLink('hl_nonsense')).toBe(null)
})

test('the cookie is closed to scripts and other sites, and ends with the session', async () => {
  const response = await fetch(`${server.url}/api/v1/sign-in/link`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': '10.0.0.9' },
    body: JSON.stringify({ token: await freshLink() }),
  })
  expect(response.headers.getSetCookie()[0]).toMatch(/^helix=[^;]+;.*HttpOnly; SameSite=Lax$/)
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  expect((await ask('POST', '/api/v1/sign-out', {}, cookie)).status).toBe(200)
  expect((await me(cookie)).status).toBe(401)
})

test('a password signs in, its change ends every other browser, and a wrong one tells nothing', async () => {
  const [mine, other] = [(await useLink(await freshLink())).cookie, (await useLink(await freshLink())).cookie]
  expect((await ask('PUT', '/api/v1/me/password', { next: 'short' }, mine)).body.error?.code).toBe('invalid_request')
  expect((await ask('PUT', '/api/v1/me/password', { next: 'a long enough password' }, mine)).status).toBe(200)
  expect([(await me(mine)).status, (await me(other)).status]).toEqual([200, 401])
  const wrong = await ask('PUT', '/api/v1/me/password', { current: 'not it at all', next: 'another long password' }, mine)
  expect([wrong.status, wrong.body.error?.code]).toEqual([401, 'sign_in_failed'])
  const attempt = (email: string, password: string) => ask('POST', '/api/v1/sign-in/password', { email, password })
  expect((await attempt('Admin@Helix.local', 'a long enough password')).status).toBe(200)
  const [known, unknown] = [await attempt('admin@helix.local', 'wrong'), await attempt('nobody@helix.local', 'wrong')]
  expect([known.status, known.body.error?.code]).toEqual([unknown.status, unknown.body.error?.code])
})

test('who came in and who tried is in the audit log of those it concerns, also what was tried with an address that nobody has', async () => {
  const { db } = server.context
  await db('sign_in_attempts').delete()
  const store = new IdentityStore(db)
  const userId = await store.ensureAdministrator()
  await store.setPassword(userId, 'a long enough password', null)
  const orgId = await store.findHome(userId)
  const { secret } = await store.createApiKey(orgId as never, userId, 'reader')
  const log = createClient({ baseUrl: server.url, token: secret })
  const told = async () =>
    (await log(listAudit, { query: { limit: 3 } })).items.map(({ action, actor, actorName, via, details, address }) => [
      action,
      actor?.id ?? actorName,
      via,
      details.by,
      address,
    ])
  const { email } = (await db('users').where({ id: userId }).first('email')) as { email: string }
  await useLink(await freshLink())
  await ask('POST', '/api/v1/sign-in/password', { email, password: 'a guess' })
  await ask('POST', '/api/v1/sign-in/password', { email: 'ghost@helix.local', password: 'a guess' })
  expect(await told()).toEqual([
    ['signInFailed', 'ghost@helix.local', 'none', 'password', '127.0.0.1'],
    ['signInFailed', email, 'none', 'password', '127.0.0.1'],
    ['signIn', userId, 'cookie', 'link', '127.0.0.1'],
  ])
  await ask('POST', '/api/v1/sign-in/password', { email, password: 'a long enough password' })
  expect((await told())[0]).toEqual(['signIn', userId, 'cookie', 'password', '127.0.0.1'])
  const stranger = await server.addPerson()
  expect((await stranger.call(listAudit, {})).items).toEqual([])
})

test('who leaves the first organisation does not take the installation along', async () => {
  const { db, config } = server.context
  const store = new IdentityStore(db)
  const userId = await store.ensureAdministrator()
  const registration = new RegistrationStore(db, config)
  const home = await registration.home()
  const own = await store.makeHome(userId)
  await db('memberships').where({ org_id: home, user_id: userId }).delete()
  expect([await registration.isHome(own), await registration.home()]).toEqual([false, home])
  await db('memberships').insert({ org_id: home, user_id: userId, role: 'owner' })
  await db('organisations').where({ id: own }).delete()
})

test('guessing at one account is slowed down, also a hundred guesses at once, and an account that is not there slows the same', async () => {
  for (const email of ['admin@helix.local', 'guess@helix.local']) {
    await server.context.db('sign_in_attempts').delete()
    const guesses = Array.from({ length: 20 }, (_, count) => ask('POST', '/api/v1/sign-in/password', { email, password: `try ${count}` }))
    const statuses = (await Promise.all(guesses)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(5)
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(15)
  }
  await server.context.db('sign_in_attempts').delete()
})

test('a whole office signs in behind one address, and who guesses among them is still slowed down', async () => {
  const { db } = server.context
  await db('sign_in_attempts').delete()
  const store = new IdentityStore(db)
  await store.setPassword(await store.ensureAdministrator(), 'a long enough password', null)
  const attempt = async (password: string) =>
    (await ask('POST', '/api/v1/sign-in/password', { email: 'admin@helix.local', password })).status
  for (let person = 0; person < 40; person++) expect(await attempt('a long enough password')).toBe(200)
  for (let guess = 0; guess < 30; guess++)
    await ask('POST', '/api/v1/sign-in/password', { email: `guess${guess}@helix.local`, password: 'a guess' })
  const refused = await fetch(`${server.url}/api/v1/sign-in/password`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: server.url },
    body: JSON.stringify({ email: 'admin@helix.local', password: 'a long enough password' }),
  })
  expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true])
  await db('sign_in_attempts').delete()
}, 120_000)

test('an API key opens until it is revoked, and only its hash is kept', async () => {
  const person = await server.addPerson()
  const { id, secret } = await person.call(createApiKey, { body: { name: 'CI' } })
  const asKey = () => fetch(`${server.url}/api/v1/me`, { headers: { authorization: `Bearer ${secret}` } })
  expect((await asKey()).status).toBe(200)
  const rows = JSON.stringify(await server.context.db('api_keys'))
  expect(rows).not.toContain(secret)
  await person.call(revokeApiKey, { params: { apiKeyId: id } })
  expect((await asKey()).status).toBe(401)
  await expect(person.call(revokeApiKey, { params: { apiKeyId: id } })).rejects.toMatchObject({ code: 'not_found' })
})

test('two control planes that start at once make one administrator', async () => {
  const store = new IdentityStore(server.context.db)
  const made = await Promise.all(Array.from({ length: 5 }, () => store.ensureAdministrator()))
  expect(new Set(made).size).toBe(1)
})

test('a key beats the cookie that came with it, so that a script never acts as the wrong person', async () => {
  const person = await server.addPerson()
  const { cookie } = await useLink(await freshLink())
  const response = await fetch(`${server.url}/api/v1/me`, { headers: { cookie: cookie ?? '', authorization: 'Bearer hx_wrong' } })
  expect(response.status).toBe(401)
  expect((await person.call(getMe, {})).via).toBe('api_key')
})

test('signing in again ends the session the browser had', async () => {
  const old = (await useLink(await freshLink())).cookie
  const response = await ask('POST', '/api/v1/sign-in/password', { email: 'admin@helix.local', password: 'a long enough password' }, old)
  expect(response.status).toBe(200)
  expect((await me(old)).status).toBe(401)
  expect((await me(response.cookie)).status).toBe(200)
})
