import { listAudit } from '@helix/contract/audit'
import type { McpServerId, ProjectId } from '@helix/contract/ids'
import {
  checkMcpServer,
  createMcpServer,
  deleteMcpServer,
  listMcpCalls,
  listMcpServers,
  type McpServer,
  updateMcpServer,
} from '@helix/contract/mcp-servers'
import { createProjectSecret, createSecret } from '@helix/contract/secrets'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { newId } from '../../context.ts'
import { addProject } from '../../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../../testing/server.ts'
import { insertCalls } from '../calls/store.ts'
import { sweepMcpCalls } from '../calls/sweep.ts'
import { openRealServer, type RealServer } from '../proxy/testing.ts'

const secret = 'a-credential-of-the-project'
const ofOrganisation = 'a-credential-of-the-organisation'

let server: TestServer
let person: Person
let real: RealServer
let projectId: ProjectId
beforeAll(async () => {
  real = await openRealServer()
  server = await openTestServer({ HELIX_ALLOW_PRIVATE_PROVIDERS: '1', HELIX_MCP_CALL_DAYS: '2' })
  person = await server.addPerson()
  projectId = (await addProject(person)).id
  await person.call(createProjectSecret, { params: { projectId }, body: { name: 'TOKEN', value: secret, exposure: 'proxy' } })
  await person.call(createSecret, { body: { name: 'SHARED', value: ofOrganisation, exposure: 'proxy' } })
})
afterEach(() => {
  real.play = null
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await real?.[Symbol.asyncDispose]()
})

const headers = [
  { name: 'Authorization', prefix: 'Bearer ', secret: 'TOKEN' },
  { name: 'X-Shared', prefix: '', secret: 'SHARED' },
]
const create = (name: string, values: object = {}): Promise<McpServer> =>
  person.call(createMcpServer, { params: { projectId }, body: { name, url: real.url, headers, ...values } as never })
const at = (id: McpServerId) => ({ params: { projectId, mcpServerId: id } })

test('a server is asked what it is and which tools it has, with its credentials, and says which are allowed', async () => {
  const { id } = await create('checked', { allowedTools: ['*_issue'], deniedTools: ['delete_*'] })
  real.heard.length = 0
  const check = await person.call(checkMcpServer, { ...at(id), body: {} })
  expect(check).toMatchObject({ ok: true, problem: null, server: 'issues 1.2.3' })
  expect(check.tools.filter(({ allowed }) => allowed).map(({ name }) => name)).toEqual(['read_issue'])
  expect(check.tools).toContainEqual({ name: 'delete_issue', description: 'Removes one', allowed: false })
  expect(real.heard[0]?.headers).toMatchObject({ authorization: `Bearer ${secret}`, 'x-shared': ofOrganisation })
  expect([real.heard.at(-1)?.method, real.sessions.size]).toEqual(['DELETE', 0])
  expect(JSON.stringify([check, await person.call(listMcpServers, { params: { projectId } })])).not.toContain('a-credential')
})

test.each([
  ['hangs', () => undefined, /does not answer in time/],
  [
    'refuses',
    (_: unknown, response: { writeHead(status: number): { end(): void } }) => response.writeHead(401).end(),
    /refuses the credentials \(401\)/,
  ],
  [
    'redirects',
    (_: unknown, response: { writeHead(status: number): { end(): void } }) => response.writeHead(302).end(),
    /redirects elsewhere/,
  ],
  [
    'is a page',
    (_: unknown, response: { end(text: string): void }) => response.end('<html>'),
    /does not answer initialize as the protocol says/,
  ],
  ['breaks off', (_: unknown, response: { destroy(): void }) => response.destroy(), /cannot be reached/],
  [
    'answers with an error that holds the credential',
    (_: unknown, response: { end(text: string): void }) =>
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: 1, message: `no ${secret}` } })),
    /no \[secret TOKEN\]/,
  ],
] as const)('the check of a server that %s says what is wrong', async (what, play, words) => {
  const { id } = await create(`bad-${what.split(' ')[0]}`, { timeLimitSeconds: 1 })
  real.play = play as never
  const check = await person.call(checkMcpServer, { ...at(id), body: {} })
  expect([check.ok, check.problem, typeof check.fix]).toEqual([false, expect.stringMatching(words), 'string'])
  expect(JSON.stringify(check)).not.toContain(secret)
})

test.each([
  [{ name: 'desktop' }, 'name'],
  [{ name: 'Issues' }, 'name'],
  [{ name: 'a__b' }, 'name'],
  [{ url: 'ftp://example.com/mcp' }, 'url'],
  [{ url: 'https://user:pass@example.com/mcp' }, 'url'],
  [{ url: 'https://example.com/mcp?key=1' }, 'url'],
  [{ headers: [{ name: 'Host', secret: 'TOKEN' }] }, 'headers.0.name'],
  [{ headers: [{ name: 'Mcp-Session-Id', secret: 'TOKEN' }] }, 'headers.0.name'],
  [{ headers: [{ name: 'X-A', prefix: 'a\r\nb', secret: 'TOKEN' }] }, 'headers.0.prefix'],
  [{ headers: [{ name: 'X-A', secret: 'MISSING' }] }, 'headers.0.secret'],
  [{ headers: ['X-A', 'x-a'].map((name) => ({ name, secret: 'TOKEN' })) }, 'headers'],
  [{ allowedTools: ['read issue'] }, 'allowedTools.0'],
  [{ timeLimitSeconds: 0 }, 'timeLimitSeconds'],
  [{ maxAnswerMb: 65 }, 'maxAnswerMb'],
])('a fault names its field: %j', async (values, field) => {
  await expect(create('faulty', values)).rejects.toMatchObject({
    code: 'invalid_request',
    details: { fields: { [field]: expect.any(String) } },
  })
})

test('a name is there once in a project, also when two come at once, and an older change does not win', async () => {
  const both = await Promise.allSettled([create('once'), create('once')])
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  const other = await create('other')
  await expect(person.call(updateMcpServer, { ...at(other.id), body: { name: 'once' } })).rejects.toMatchObject({
    code: 'conflict',
    details: { fields: { name: expect.any(String) } },
  })
  await person.call(updateMcpServer, { ...at(other.id), body: { deniedTools: ['x'] } })
  const late = { enabled: false, expectedChangedAt: other.changedAt }
  await expect(person.call(updateMcpServer, { ...at(other.id), body: late })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('has changed other since you opened it'),
  })
})

test('a secret that is gone is named', async () => {
  const { id } = await create('lacking')
  await server.context.db('secrets').where({ name: 'SHARED' }).update({ name: 'ELSEWHERE' })
  const listed = (await person.call(listMcpServers, { params: { projectId } })).items.find((one) => one.id === id)
  expect(listed?.missingSecrets).toEqual(['SHARED'])
  expect(await person.call(checkMcpServer, { ...at(id), body: {} })).toMatchObject({
    ok: false,
    problem: 'The secret SHARED is not there.',
  })
  await server.context.db('secrets').where({ name: 'ELSEWHERE' }).update({ name: 'SHARED' })
})

test('a stranger sees, changes, asks and removes nothing, also by the own project', async () => {
  const { id } = await create('hidden')
  const stranger = await server.addPerson()
  const own = (await addProject(stranger)).id
  for (const project of [projectId, own]) {
    const params = { projectId: project, mcpServerId: id }
    for (const asked of [
      () => stranger.call(updateMcpServer, { params, body: { enabled: false } }),
      () => stranger.call(checkMcpServer, { params, body: {} }),
      () => stranger.call(deleteMcpServer, { params }),
    ])
      await expect(asked()).rejects.toMatchObject({ code: 'not_found' })
  }
  expect((await stranger.call(listMcpServers, { params: { projectId: own } })).items).toEqual([])
  await expect(stranger.call(listMcpServers, { params: { projectId } })).rejects.toMatchObject({ code: 'not_found' })
})

test('what was done is in the audit log, and a removed server is gone', async () => {
  const { id } = await create('audited', { deniedTools: ['delete_*'] })
  await person.call(deleteMcpServer, at(id))
  await expect(person.call(deleteMcpServer, at(id))).rejects.toMatchObject({ code: 'not_found' })
  const log = (await person.call(listAudit, { query: {} })).items.filter(({ target }) => target?.id === id)
  expect(log.map(({ action, target }) => [action, target?.name])).toEqual([
    ['deleteMcpServer', 'audited'],
    ['createMcpServer', 'audited'],
  ])
  expect(JSON.stringify(log)).not.toContain('a-credential')
})

test('calls are kept for the days that are set', async () => {
  const scope = { orgId: person.orgId, projectId, taskId: null, sessionId: newId('session'), userId: person.userId, keyPrefix: null }
  const call = {
    server: 'kept',
    method: 'ping',
    tool: null,
    outcome: 'ok' as const,
    status: 200,
    requestBytes: 1,
    answerBytes: 1,
    durationMs: 1,
  }
  const day = 24 * 60 * 60_000
  await insertCalls(
    server.context.db,
    scope,
    [1, 3].map((days) => ({ ...call, method: `${days}`, begun: Date.now() - days * day })),
  )
  expect(await sweepMcpCalls(server.context)).toBe(1)
  const { items } = await person.call(listMcpCalls, { params: { projectId }, query: { server: 'kept' } })
  expect(items.map(({ method }) => method)).toEqual(['1'])
})

test('on an installation that does not allow it, the own network is no address', async () => {
  await using closed = await openTestServer()
  const someone = await closed.addPerson()
  const own = (await addProject(someone)).id
  for (const url of ['http://example.com/mcp', 'https://127.0.0.1/mcp', 'https://169.254.169.254/mcp', 'https://[::1]/mcp'])
    await expect(someone.call(createMcpServer, { params: { projectId: own }, body: { name: 'inside', url } })).rejects.toMatchObject({
      code: 'invalid_request',
      details: { fields: { url: expect.any(String) } },
    })
})
