import { createHmac } from 'node:crypto'
import { invitePeople } from '@helix/contract/organisations'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { addProject, addTask } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { TestBrowser } from './browser.testing.ts'
import { hashSecret } from './hashing.ts'
import { RegistrationStore } from './registration/store.ts'
import { IdentityStore } from './store.ts'

let server: TestServer
let owner: Person
beforeAll(async () => {
  server = await openTestServer()
  owner = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  await server.context.db('sign_in_attempts').delete()
})

const password = 'correct horse battery'
const setRegistration = (registration: 'open' | 'invited' | 'closed', allowedDomains: string[] = []) =>
  new RegistrationStore(server.context.db, server.context.config).set({ registration, allowedDomains })
const mailTo = async (to: string): Promise<string> => {
  const row = await server.context.db('mail_outbox').where({ recipient: to }).orderBy('id', 'desc').first('body')
  return row?.body ?? ''
}
const tokenIn = (mail: string): string => /token=([^\s&]+)/.exec(mail)?.[1] ?? ''
const browser = () => new TestBrowser(server.url)

/** Somebody who was invited, signed up and is signed in. */
async function join(email: string): Promise<TestBrowser> {
  const { items } = await owner.call(invitePeople, { body: { emails: [email] } })
  const one = browser()
  const invitation = tokenIn(items[0]?.url ?? '')
  expect((await one.ask('POST', '/api/v1/sign-up', { name: 'Ada', email, password, invitation })).body).toEqual({ signedIn: true })
  return one
}

/** RFC 6238, as an authenticator computes it. */
function totp(uri: string, at = Date.now()): string {
  const secret = new URL(uri).searchParams.get('secret') ?? ''
  const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [])
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)))
  const hash = createHmac('sha1', key).update(counter).digest()
  const offset = (hash.at(-1) ?? 0) & 15
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

test('an invitation makes an account at once, for its own address only', async () => {
  await setRegistration('invited')
  const { items } = await owner.call(invitePeople, { body: { emails: ['ada@example.com'], role: 'reviewer' } })
  const invitation = tokenIn(items[0]?.url ?? '')
  const one = browser()
  const sign = (email: string) => one.ask('POST', '/api/v1/sign-up', { name: 'Ada', email, password, invitation })
  expect((await sign('eve@example.com')).body.error?.code).toBe('forbidden')
  expect((await one.ask('POST', '/api/v1/sign-up', { name: 'Eve', email: 'eve@example.com', password })).body.error?.message).toMatch(
    /invitation is needed/,
  )
  expect((await sign('ada@example.com')).body).toEqual({ signedIn: true })
  expect((await one.ask('GET', '/api/v1/me')).body).toMatchObject({ role: 'reviewer', organisation: { id: owner.orgId } })
})

test('open registration proves the address by mail, and says the same when it is taken', async () => {
  await setRegistration('open', ['example.com'])
  const one = browser()
  const sign = (email: string) => one.ask('POST', '/api/v1/sign-up', { name: 'Grace', email, password })
  expect((await sign('grace@elsewhere.org')).body.error?.code).toBe('forbidden')
  const [first, second] = [await sign('grace@example.com'), await sign('Grace@example.com')]
  expect([second.status, second.body]).toEqual([first.status, first.body])
  expect(await mailTo('Grace@example.com')).toContain('It has one.')
  const enter = () => one.ask('POST', '/api/v1/sign-in/password', { email: 'grace@example.com', password })
  expect((await enter()).status).toBe(401)
  expect((await one.ask('POST', '/api/v1/sign-up/verify', { token: tokenIn(await mailTo('grace@example.com')) })).status).toBe(200)
  expect((await enter()).body).toEqual({ secondFactor: false })
  expect((await one.ask('GET', '/api/v1/me')).body).toMatchObject({ role: 'owner', organisation: { name: 'Grace’s organisation' } })
  await setRegistration('closed')
  expect((await sign('new@example.com')).body.error?.message).toMatch(/closed/)
})

test('a reset says the same to everybody, works once, and ends every session', async () => {
  await setRegistration('invited')
  const one = await join('reset@example.com')
  const ask = (email: string) => browser().ask('POST', '/api/v1/password-reset', { email })
  const [known, unknown] = [await ask('reset@example.com'), await ask('nobody@example.com')]
  expect([known.status, known.body]).toEqual([unknown.status, unknown.body])
  expect(await mailTo('nobody@example.com')).toBe('')
  const token = tokenIn(await mailTo('reset@example.com'))
  const finish = () => browser().ask('POST', '/api/v1/password-reset/finish', { token, password: 'another long password' })
  expect((await finish()).status).toBe(200)
  expect((await finish()).body.error?.code).toBe('sign_in_failed')
  expect((await one.ask('GET', '/api/v1/me')).status).toBe(401)
})

test('with a second factor a password is half of the way, a code counts once, and a backup code helps', async () => {
  const one = await join('factor@example.com')
  const { body: begun } = await one.ask<{ uri: string; backupCodes: string[] }>('POST', '/api/v1/me/two-factor', { password })
  expect((await one.ask('POST', '/api/v1/me/two-factor/confirm', { code: '000000' })).body.error?.code).toBe('sign_in_failed')
  expect((await one.ask('POST', '/api/v1/me/two-factor/confirm', { code: totp(begun.uri) })).status).toBe(200)
  const enter = async () => {
    const next = browser()
    expect((await next.ask('POST', '/api/v1/sign-in/password', { email: 'factor@example.com', password })).body).toEqual({
      secondFactor: true,
    })
    expect((await next.ask('GET', '/api/v1/me')).status).toBe(401)
    return next
  }
  const second = (next: TestBrowser, body: object) => next.ask('POST', '/api/v1/sign-in/second-factor', body)
  const good = await enter()
  expect((await second(good, { code: '111111' })).status).toBe(401)
  expect((await second(good, { code: totp(begun.uri, Date.now() + 30_000) })).status).toBe(200)
  expect((await good.ask('GET', '/api/v1/me')).status).toBe(200)
  const backup = begun.backupCodes[0]
  expect((await second(await enter(), { code: backup, kind: 'backup' })).status).toBe(200)
  expect((await second(await enter(), { code: backup, kind: 'backup' })).status).toBe(401)
  const stored = JSON.stringify(await server.context.db('two_factors'))
  expect(stored).not.toContain(new URL(begun.uri).searchParams.get('secret'))
  expect((await good.ask('POST', '/api/v1/me/two-factor/disable', { password: 'wrong password here' })).status).toBe(401)
  expect((await good.ask('POST', '/api/v1/me/two-factor/disable', { password })).status).toBe(200)
})

test('a code of the authenticator counts once for its person, whichever browser it is typed into', async () => {
  const one = await join('replay@example.com')
  const { body: begun } = await one.ask<{ uri: string }>('POST', '/api/v1/me/two-factor', { password })
  const confirmed = totp(begun.uri)
  expect((await one.ask('POST', '/api/v1/me/two-factor/confirm', { code: confirmed })).status).toBe(200)
  const enter = async (code: string) => {
    const next = browser()
    await next.ask('POST', '/api/v1/sign-in/password', { email: 'replay@example.com', password })
    const { status } = await next.ask('POST', '/api/v1/sign-in/second-factor', { code })
    return [status, (await next.ask('GET', '/api/v1/me')).status]
  }
  const code = totp(begun.uri, Date.now() + 30_000)
  const both = await Promise.all([enter(code), enter(code)])
  expect(both.toSorted()).toEqual([
    [200, 200],
    [401, 401],
  ])
  expect(await enter(code)).toEqual([401, 401])
  expect(await enter(confirmed)).toEqual([401, 401])
})

test('a new address counts once its own mail was opened, and nobody learns whether it is taken', async () => {
  const one = await join('before@example.com')
  await join('taken@example.com')
  const change = (email: string) => one.ask('PATCH', '/api/v1/me', { email, password })
  const [free, taken] = [await change('after@example.com'), await change('taken@example.com')]
  expect([free.status, free.body]).toEqual([taken.status, taken.body])
  const email = async () => (await one.ask<{ user: { email: string } }>('GET', '/api/v1/me')).body.user.email
  expect(await email()).toBe('before@example.com')
  expect(await mailTo('before@example.com')).toContain('taken@example.com')
  expect(await mailTo('taken@example.com')).not.toContain('/verify?')
  expect((await browser().ask('POST', '/api/v1/sign-up/verify', { token: tokenIn(await mailTo('after@example.com')) })).status).toBe(200)
  expect(await email()).toBe('after@example.com')
})

test('the first administrator gives the address at once: no mail server is set up yet', async () => {
  const store = new IdentityStore(server.context.db)
  const one = browser()
  const token = await store.createLink(await store.ensureAdministrator())
  await one.ask('POST', '/api/v1/sign-in/link', { token })
  expect((await one.ask('PATCH', '/api/v1/me', { email: 'boss@example.com' })).body).toMatchObject({ user: { email: 'boss@example.com' } })
})

test('browser sessions are listed and ended, and no token is in the database', async () => {
  const one = await join('sessions@example.com')
  const other = browser()
  await other.ask('POST', '/api/v1/sign-in/password', { email: 'sessions@example.com', password })
  const { body } = await one.ask<{ sessions: { id: string; current: boolean }[] }>('GET', '/api/v1/me/security')
  expect(body.sessions.map(({ current }) => current).toSorted()).toEqual([false, true])
  const theirs = body.sessions.find(({ current }) => !current)
  expect((await one.ask('DELETE', `/api/v1/me/sessions/${theirs?.id}`)).status).toBe(200)
  expect((await other.ask('GET', '/api/v1/me')).status).toBe(401)
  const token = decodeURIComponent(one.cookies.get('helix') ?? '').split('.')[0] ?? 'none'
  expect(JSON.stringify(await server.context.db('browser_sessions'))).not.toContain(token)
})

/** A session that runs in this person's name, with a token. */
async function startWork(userId: string): Promise<string> {
  const task = await addTask(owner, await addProject(owner))
  const { db, newId } = server.context
  const id = newId('session')
  const session = { org_id: owner.orgId, project_id: task.projectId, task_id: task.id, agent_runtime: 'goose_code', demo: true }
  await db('agent_sessions').insert({ ...session, id, state: 'running', started_by: userId })
  await db('session_tokens').insert({ token_hash: id, org_id: owner.orgId, session_id: id, epoch: 1 })
  return id
}

test('who is deactivated has no session, no key and no running work from that moment, and a role again when it is taken back', async () => {
  const one = await join('gone@example.com')
  const { body: me } = await one.ask<{ user: { id: string } }>('GET', '/api/v1/me')
  const { body: key } = await one.ask<{ secret: string }>('POST', '/api/v1/api-keys', { name: 'CI' })
  const { db } = server.context
  const session = { id: await startWork(me.user.id) }
  const act = (verb: string) =>
    fetch(`${server.url}/api/v1/people/${me.user.id}/${verb}`, { method: 'POST', headers: { authorization: `Bearer ${owner.apiKey}` } })
  expect((await act('deactivate')).status).toBe(200)
  expect((await one.ask('GET', '/api/v1/me')).status).toBe(401)
  expect((await fetch(`${server.url}/api/v1/me`, { headers: { authorization: `Bearer ${key.secret}` } })).status).toBe(401)
  expect((await db('session_tokens').where({ session_id: session.id }).first('revoked_at')).revoked_at).not.toBeNull()
  expect((await db('agent_sessions').where({ id: session.id }).first('reason')).reason).toMatch(/^Ada, who started this, has no rights/)
  expect((await act('reactivate')).status).toBe(200)
  await one.ask('POST', '/api/v1/sign-in/password', { email: 'gone@example.com', password })
  expect((await one.ask('GET', '/api/v1/me')).body).toMatchObject({ organisation: { id: owner.orgId } })
})

test('who was deactivated or removed is told so where accounts are by invitation, and only with the right password', async () => {
  await setRegistration('invited')
  for (const verb of ['deactivate', 'remove']) {
    const email = `${verb}@example.com`
    const one = await join(email)
    const { body: me } = await one.ask<{ user: { id: string } }>('GET', '/api/v1/me')
    const work = await startWork(me.user.id)
    const headers = { authorization: `Bearer ${owner.apiKey}` }
    const path = verb === 'remove' ? `/api/v1/people/${me.user.id}` : `/api/v1/people/${me.user.id}/deactivate`
    expect((await fetch(`${server.url}${path}`, { method: verb === 'remove' ? 'DELETE' : 'POST', headers })).status).toBe(200)
    expect((await server.context.db('session_tokens').where({ session_id: work }).first('revoked_at')).revoked_at).not.toBeNull()
    const enter = (secret: string) => browser().ask('POST', '/api/v1/sign-in/password', { email, password: secret })
    expect((await enter(password)).body.error).toMatchObject({ code: 'forbidden', message: expect.stringMatching(/no rights here/) })
    expect((await enter('not the password')).body.error?.code).toBe('sign_in_failed')
    expect(await server.context.db('memberships').where({ user_id: me.user.id, role: 'owner' })).toEqual([])
  }
  const { items } = await owner.call(invitePeople, { body: { emails: ['remove@example.com'] } })
  const back = browser()
  expect((await back.ask('POST', '/api/v1/sign-in/password', { email: 'remove@example.com', password })).status).toBe(200)
  const token = tokenIn(items[0]?.url ?? '')
  expect((await back.ask('POST', '/api/v1/invitations/accept', { token })).status).toBe(200)
})

test('a class that signs up by invitation from one address is not held up', async () => {
  await setRegistration('invited')
  await server.context.db('sign_in_attempts').insert({ key: `address ${hashSecret('127.0.0.1')}`, failures: 23 })
  for (const name of ['one', 'two', 'three', 'four']) await join(`class-${name}@example.com`)
})
