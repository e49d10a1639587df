import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createConnection } from '@helix/contract/connections'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { TestBrowser } from './browser.testing.ts'

let server: TestServer
let owner: Person
let github: Server
let url: string
/** What GitHub knows of whoever signs in. */
let emails: { email: string; primary: boolean; verified: boolean }[]
/** The PKCE challenge of the sign-in, and the verifier of the exchange. */
let proof: { challenge: string | null; verifier: string | null }

/** GitHub's half, as its documentation has it: "Authorizing OAuth apps", "Get the authenticated user", "List email addresses". */
function answer(path: URL, body: string, token: string): { status: number; location?: string; json?: unknown } {
  if (path.pathname === '/login/oauth/authorize') {
    proof = { challenge: path.searchParams.get('code_challenge'), verifier: null }
    const back = new URL(path.searchParams.get('redirect_uri') ?? '')
    back.search = new URLSearchParams({ code: 'a-code', state: path.searchParams.get('state') ?? '' }).toString()
    return { status: 302, location: back.href }
  }
  if (path.pathname === '/login/oauth/access_token') {
    const given = new URLSearchParams(body)
    proof.verifier = given.get('code_verifier')
    const known = given.get('code') === 'a-code' && given.get('client_secret') === 'a-secret'
    // GitHub says errors with 200.
    return {
      status: 200,
      json: known ? { access_token: 'a-token', token_type: 'bearer', scope: 'read:user,user:email' } : { error: 'bad' },
    }
  }
  if (token !== 'Bearer a-token') return { status: 401, json: {} }
  if (path.pathname === '/api/v3/user') return { status: 200, json: { id: 583231, login: 'ada', name: null, email: 'public@example.org' } }
  return path.pathname === '/api/v3/user/emails' ? { status: 200, json: emails } : { status: 404, json: {} }
}

beforeAll(async () => {
  server = await openTestServer({ HELIX_ALLOW_LOCAL_IMPORT: '1' })
  owner = await server.addPerson()
  await server.context.db('installation').insert({ key: 'administrator', value: JSON.stringify({ userId: owner.userId }) })
  github = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { status, location, json } = answer(new URL(request.url ?? '', url), body, request.headers.authorization ?? '')
    response.writeHead(status, { 'content-type': 'application/json', ...(location === undefined ? {} : { location }) })
    response.end(json === undefined ? '' : JSON.stringify(json))
  })
  await new Promise<void>((resolve) => github.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(github.address() as AddressInfo).port}`
})
afterAll(async () => {
  github.closeAllConnections()
  github.close()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  emails = [
    { email: 'other@example.com', primary: false, verified: true },
    { email: 'ada@example.com', primary: true, verified: true },
  ]
  await server.context.db('connections').delete()
})

async function signIn(clientSecret = 'a-secret'): Promise<{ browser: TestBrowser; end: string | null }> {
  const body = { kind: 'github' as const, name: 'GitHub', issuer: url, clientId: 'helix', clientSecret }
  const { id } = await owner.call(createConnection, { body })
  const browser = new TestBrowser(server.url)
  const { body: begun } = await browser.ask<{ url: string }>('POST', '/api/v1/sign-in/sso', { connectionId: id, next: '/projects' })
  const callback = new URL((await fetch(begun.url, { redirect: 'manual' })).headers.get('location') ?? '')
  const response = await browser.fetch(callback.pathname + callback.search)
  return { browser, end: response.headers.get('location') }
}

test('GitHub says who it is by the primary address that it has verified, whatever the profile shows', async () => {
  const { browser, end } = await signIn()
  expect(end).toBe('/projects')
  expect((await browser.ask('GET', '/api/v1/me')).body).toMatchObject({
    user: { email: 'ada@example.com', name: 'ada' },
    organisation: { id: owner.orgId },
    role: 'member',
  })
  expect(proof.challenge).toBe(Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(proof.verifier ?? ''))).toString('base64url'))
})

test('without a verified primary address, or with a wrong secret, nobody comes in by GitHub', async () => {
  emails = [{ email: 'victim@example.com', primary: true, verified: false }]
  expect((await signIn()).end).toBe('/sign-in?failed=sso')
  expect(await server.context.db('users').where({ email: 'victim@example.com' })).toEqual([])
  emails = [{ email: 'ada@example.com', primary: true, verified: true }]
  expect((await signIn('another-secret')).end).toBe('/sign-in?failed=sso')
})
