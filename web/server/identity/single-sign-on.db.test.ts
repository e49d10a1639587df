import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listAudit } from '@helix/contract/audit'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import Provider from 'oidc-provider'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { TestBrowser } from './browser.testing.ts'

let server: TestServer
let owner: Person
/** What the identity provider says of whoever signs in, and how its ID tokens are spoilt. */
let person: Record<string, unknown>
let spoil: ((claims: Record<string, unknown>) => Record<string, unknown>) | null = null
/** The subject that the userinfo endpoint speaks of, when it is not the ID token's. */
let userinfoOf: string | null = null
/** The scopes that were asked for last. */
let asked = ''
let provider: { server: Server; url: string; keys: JWK[] }

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), use: 'sig', alg: 'RS256' }
}

/** A real OpenID provider whose only login is `person`; its tokens can be spoilt on the way out. */
async function openProvider(port: number, keys: JWK[]): Promise<typeof provider> {
  const web = createServer()
  await new Promise<void>((resolve) => web.listen(port, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  const oidc = new Provider(url, {
    clients: [
      {
        client_id: 'helix',
        client_secret: 'a-secret-of-the-client',
        redirect_uris: [`${server.context.config.frontendUrl}/api/auth/callback/*`],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    jwks: { keys: keys as never },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...person }) }),
    cookies: { keys: ['test'] },
  })
  // Any callback of this installation: the connection's id is not known before it is made.
  oidc.Client.prototype.redirectUriAllowed = () => true
  const handle = oidc.callback()
  web.on('request', async (request, response) => {
    if (request.url?.startsWith('/auth?')) asked = new URL(request.url, url).searchParams.get('scope') ?? ''
    if (request.url?.startsWith('/interaction/')) return finish(oidc, request, response)
    if (request.url?.startsWith('/me') && userinfoOf !== null) return void imposed(handle, request, response)
    if (request.url?.startsWith('/token') && spoil !== null) return void spoilt(handle, keys, request, response)
    return handle(request, response)
  })
  return { server: web, url, keys }
}

async function finish(
  oidc: Provider,
  request: never | Parameters<ReturnType<Provider['callback']>>[0],
  response: Parameters<ReturnType<Provider['callback']>>[1],
): Promise<void> {
  const { params } = await oidc.interactionDetails(request, response)
  const grant = new oidc.Grant({ accountId: String(person.sub), clientId: String(params.client_id) })
  grant.addOIDCScope('openid email profile groups')
  const consent = { grantId: await grant.save() }
  await oidc.interactionFinished(request, response, { login: { accountId: String(person.sub) }, consent })
}

/** Lets the real provider answer, and signs another ID token with its own key. */
async function spoilt(
  handle: ReturnType<Provider['callback']>,
  keys: JWK[],
  request: Parameters<typeof handle>[0],
  response: Parameters<typeof handle>[1],
): Promise<void> {
  const end = response.end.bind(response)
  response.end = ((chunk: Buffer | string) => {
    const answer = JSON.parse(String(chunk)) as { id_token: string }
    const claims = JSON.parse(Buffer.from(answer.id_token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
    const key = keys[0] as JWK
    void new SignJWT(spoil?.(claims) as never)
      .setProtectedHeader({ alg: 'RS256', kid: key.kid as string })
      .sign(key)
      .then((token) => {
        const text = JSON.stringify({ ...answer, id_token: token })
        response.setHeader('content-length', Buffer.byteLength(text))
        end(text)
      })
    return response
  }) as never
  handle(request, response)
}

/** A userinfo endpoint that answers for somebody else. */
async function imposed(
  handle: ReturnType<Provider['callback']>,
  request: Parameters<typeof handle>[0],
  response: Parameters<typeof handle>[1],
): Promise<void> {
  const end = response.end.bind(response)
  response.end = ((chunk: Buffer | string) => {
    const text = JSON.stringify({ ...JSON.parse(String(chunk)), sub: userinfoOf })
    response.setHeader('content-length', Buffer.byteLength(text))
    return end(text)
  }) as never
  handle(request, response)
}

/** This person's organisation is the installation's first. */
const administer = (on: TestServer, { userId }: Person) =>
  on.context.db('installation').insert({ key: 'administrator', value: JSON.stringify({ userId }) })

beforeAll(async () => {
  server = await openTestServer({ HELIX_ALLOW_LOCAL_IMPORT: '1' })
  owner = await server.addPerson()
  await administer(server, owner)
  provider = await openProvider(0, [await newKey()])
})
afterAll(async () => {
  provider.server.closeAllConnections()
  provider.server.close()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  person = { sub: 'ada', email: 'ada@example.com', email_verified: true, name: 'Ada Lovelace', groups: ['engineers'] }
  await server.context.db('sign_in_attempts').delete()
})
afterEach(async () => {
  spoil = null
  userinfoOf = null
  vi.useRealTimers()
  await server.context.db('connections').delete()
})

async function connect(change: object = {}, by: Person = owner): Promise<string> {
  const body = { kind: 'oidc', name: 'Works', issuer: provider.url, clientId: 'helix', clientSecret: 'a-secret-of-the-client', ...change }
  const headers = { authorization: `Bearer ${by.apiKey}`, 'content-type': 'application/json' }
  const response = await fetch(`${server.url}/api/v1/connections`, { method: 'POST', headers, body: JSON.stringify(body) })
  const answer = (await response.json()) as { id: string; error?: { message: string } }
  if (!response.ok) throw new Error(answer.error?.message)
  return answer.id
}

/** As a browser does it: to the provider, through its pages, and back. Answers where it ended. */
async function signIn(connectionId: string): Promise<{ browser: TestBrowser; end: string; callback: string }> {
  const browser = new TestBrowser(server.url)
  const { body } = await browser.ask<{ url: string }>('POST', '/api/v1/sign-in/sso', { connectionId, next: '/projects' })
  const there = new TestBrowser(provider.url)
  let at = body.url
  for (let hop = 0; hop < 8 && at.startsWith(provider.url); hop++)
    at = new URL((await there.fetch(at)).headers.get('location') ?? 'none:', at).href
  const callback = new URL(at)
  const response = await browser.fetch(callback.pathname + callback.search)
  return { browser, end: response.headers.get('location') ?? '', callback: callback.pathname + callback.search }
}
const me = async (browser: TestBrowser) =>
  (await browser.ask<{ role: string; user: { email: string }; organisation: { id: string } }>('GET', '/api/v1/me')).body

test('a person who is new comes in by the provider, with the role of their group, which each sign-in decides anew', async () => {
  const id = await connect({ groupRoles: { engineers: 'member', leads: 'admin' }, defaultRole: null })
  const { browser, end } = await signIn(id)
  expect(end).toBe('/projects')
  expect(await me(browser)).toMatchObject({ role: 'member', user: { email: 'ada@example.com' }, organisation: { id: owner.orgId } })
  person.groups = ['leads']
  expect((await me((await signIn(id)).browser)).role).toBe('admin')
  expect(await server.context.db('users').where({ email: 'ada@example.com' })).toHaveLength(1)
})

/** As the standard has it: the ID token says who it is, and the rest is at the userinfo endpoint. */
const terse = ({ iss, aud, sub, iat, exp, nonce }: Record<string, unknown>) => ({ iss, aud, sub, iat, exp, nonce })

test('what the ID token leaves out is read from the userinfo endpoint, groups too, and only of the same person', async () => {
  const id = await connect({ groupRoles: { leads: 'admin' }, defaultRole: null })
  person = { ...person, sub: 'terse', email: 'terse@example.com', groups: ['leads'] }
  spoil = terse
  const { browser, end } = await signIn(id)
  expect([end, (await me(browser)).role]).toEqual(['/projects', 'admin'])
  // GitLab: the address in the token, the groups not.
  spoil = ({ groups: _, ...rest }) => rest
  expect((await me((await signIn(id)).browser)).role).toBe('admin')
  spoil = terse
  userinfoOf = 'somebody-else'
  expect((await signIn(id)).end).toMatch(/^\/sign-in\?failed=/)
})

test('groups are asked for where the provider offers them: others refuse a sign-in with a scope that they do not know', async () => {
  const id = await connect()
  await signIn(id)
  expect(asked).toBe('openid email profile groups')
  await signIn(await connect({ groupClaim: '' }))
  expect(asked).toBe('openid email profile')
})

test('a new person belongs to the organisation of the connection and to no other', async () => {
  person = { ...person, sub: 'single', email: 'single@example.com' }
  const { browser } = await signIn(await connect())
  const { body } = await browser.ask<{ items: { id: string }[] }>('GET', '/api/v1/organisations')
  expect(body.items.map(({ id }) => id)).toEqual([owner.orgId])
})

test('who was deactivated does not come in by the provider, and is told why', async () => {
  person = { ...person, sub: 'former', email: 'former@example.com' }
  const id = await connect()
  const { browser } = await signIn(id)
  const { body } = await browser.ask<{ user: { id: string } }>('GET', '/api/v1/me')
  const headers = { authorization: `Bearer ${owner.apiKey}` }
  await fetch(`${server.url}/api/v1/people/${body.user.id}/deactivate`, { method: 'POST', headers })
  const again = await signIn(id)
  expect(again.end).toBe('/sign-in?failed=deactivated')
  expect((await again.browser.ask('GET', '/api/v1/organisations')).status).toBe(401)
})

test('a provider that does not answer holds up nobody who signs in another way, and is told of', async () => {
  const id = await connect()
  await server.context.db('connections').where({ id }).update({ issuer: 'http://127.0.0.1:1', version: 7 })
  const browser = new TestBrowser(server.url)
  const { body } = await browser.ask('POST', '/api/v1/sign-in/sso', { connectionId: id, next: '/' })
  expect(body.error).toMatchObject({ code: 'provider_failed', message: expect.stringContaining('Works does not answer') })
  expect((await signIn(await connect({ name: 'Other' }))).end).toBe('/projects')
})

test('a whole office signs in by one provider from one address', async () => {
  const id = await connect()
  for (let start = 0; start < 40; start++) {
    const { status } = await new TestBrowser(server.url).ask('POST', '/api/v1/sign-in/sso', { connectionId: id })
    expect(status).toBe(200)
  }
})

test('who comes in, and who does not, is in the audit log of the connection’s organisation', async () => {
  const id = await connect({ allowedDomains: ['example.com'] })
  await signIn(id)
  person = { ...person, sub: 'other', email: 'other@elsewhere.org' }
  await signIn(id)
  const { items } = await owner.call(listAudit, { query: { text: id } })
  expect(items.map(({ action, actor, actorName, details }) => [action, actor?.name ?? null, actorName, details])).toEqual([
    ['signInFailed', null, 'other@elsewhere.org', { reason: 'domain' }],
    ['signInBySingleSignOn', 'Ada Lovelace', 'Ada Lovelace', {}],
    ['createConnection', 'Test Person', 'Test Person', expect.anything()],
  ])
})

test('who is in no mapped group does not come in where groups decide', async () => {
  person = { ...person, sub: 'eve', email: 'eve@example.com', groups: ['visitors'] }
  const { browser, end } = await signIn(await connect({ groupRoles: { engineers: 'member' }, defaultRole: null }))
  expect(end).toBe('/sign-in?failed=group')
  expect((await browser.ask('GET', '/api/v1/me')).status).toBe(401)
})

test('an address of another domain does not come in', async () => {
  person = { ...person, sub: 'mallory', email: 'mallory@elsewhere.org' }
  const { browser, end } = await signIn(await connect({ allowedDomains: ['example.com'] }))
  expect(end).toBe('/sign-in?failed=domain')
  expect((await browser.ask('GET', '/api/v1/me')).status).toBe(401)
})

/** Somebody with a verified address and a password, in an organisation of their own. */
async function addVerified(email: string): Promise<string> {
  const { userId } = await server.addPerson()
  await server.context.db('users').where({ id: userId }).update({ email, email_verified: true })
  return userId
}

test('an address joins an existing account only when the provider says that it is verified', async () => {
  const userId = await addVerified('victim@example.com')
  const linked = () => server.context.db('accounts').where({ user_id: userId }).whereNot({ provider_id: 'credential' })
  for (const said of [{}, { email_verified: false }, { email_verified: 'false' }]) {
    const { email_verified: _, ...rest } = person
    person = { ...rest, sub: 'attacker', email: 'victim@example.com', ...said }
    expect((await signIn(await connect())).end, JSON.stringify(said)).toMatch(/^\/sign-in\?failed=/)
    expect(await linked()).toEqual([])
  }
  person.email_verified = true
  expect((await signIn(await connect())).end).toBe('/projects')
  expect(await linked()).toHaveLength(1)
})

test('only the installation’s own administrators say whom to believe: another organisation’s could vouch for anybody', async () => {
  await addVerified('chief@example.com')
  const rival = await server.addPerson()
  await expect(connect({}, rival)).rejects.toThrow(/first organisation/)
  expect(await server.context.db('connections')).toEqual([])
})

test('an address of another domain leaves nothing behind', async () => {
  person = { ...person, sub: 'trudy', email: 'trudy@elsewhere.org' }
  await signIn(await connect({ allowedDomains: ['example.com'] }))
  expect(await server.context.db('users').where({ email: 'trudy@elsewhere.org' })).toEqual([])
})

test.each([
  ['another audience', (claims: Record<string, unknown>) => ({ ...claims, aud: 'somebody-else' })],
  ['another issuer', (claims: Record<string, unknown>) => ({ ...claims, iss: 'https://evil.example' })],
  ['a time that is over', (claims: Record<string, unknown>) => ({ ...claims, iat: 1, exp: 2 })],
  ['another nonce', (claims: Record<string, unknown>) => ({ ...claims, nonce: 'replayed' })],
])('an ID token with %s is refused', async (_, change) => {
  spoil = change
  const { browser, end } = await signIn(await connect())
  expect(end).toMatch(/^\/sign-in\?failed=/)
  expect((await browser.ask('GET', '/api/v1/me')).status).toBe(401)
})

test('a key that the provider has rotated is found, and one that is not the provider’s is refused', async () => {
  const id = await connect()
  expect((await signIn(id)).end).toBe('/projects')
  const foreign = await newKey()
  spoil = (claims) => claims
  const own = provider.keys[0] as JWK
  provider.keys[0] = { ...foreign, kid: own.kid as string }
  expect((await signIn(id)).end).toMatch(/^\/sign-in\?failed=/)
  spoil = null
  const { port } = provider.server.address() as AddressInfo
  provider.server.closeAllConnections()
  await new Promise((resolve) => provider.server.close(resolve))
  provider = await openProvider(port, [await newKey()])
  // Keys are asked for at most each half minute.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 })
  expect((await signIn(id)).end).toBe('/projects')
})

test('a callback counts once, and only in the browser that began', async () => {
  const { callback, browser } = await signIn(await connect())
  expect((await browser.fetch(callback)).headers.get('location')).toMatch(/^\/sign-in\?failed=/)
  expect((await new TestBrowser(server.url).fetch(callback)).headers.get('location')).toMatch(/^\/sign-in\?failed=/)
})

test('an issuer that does not answer, or leads to a private network, is told to who typed it', async () => {
  await expect(connect({ issuer: 'http://127.0.0.1:1' })).rejects.toThrow('does not answer')
  await using strict = await openTestServer()
  const other = await strict.addPerson()
  await administer(strict, other)
  const body = JSON.stringify({ kind: 'oidc', name: 'x', issuer: 'https://127.0.0.1', clientId: 'a', clientSecret: 'b' })
  const headers = { authorization: `Bearer ${other.apiKey}`, 'content-type': 'application/json' }
  const answer = await fetch(`${strict.url}/api/v1/connections`, { method: 'POST', headers, body })
  expect(((await answer.json()) as { error: { message: string } }).error.message).toMatch(/private network/)
}, 90_000)

test('the client’s secret is sealed and never answered', async () => {
  await connect()
  expect(JSON.stringify(await server.context.db('connections'))).not.toContain('a-secret-of-the-client')
  const answer = await fetch(`${server.url}/api/v1/connections`, { headers: { authorization: `Bearer ${owner.apiKey}` } })
  expect(await answer.text()).not.toContain('a-secret-of-the-client')
})
