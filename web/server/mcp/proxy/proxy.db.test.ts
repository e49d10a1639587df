import type { McpServerId, ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import { openSession } from '@helix/contract/internal'
import { createMcpServer, listMcpCalls, type McpCall, mcpServerPath, updateMcpServer } from '@helix/contract/mcp-servers'
import { createProjectSecret } from '@helix/contract/secrets'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ErrorCode } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { mintSessionToken, revokeSessionTokens } from '../../identity/tokens.ts'
import { addProject, addTask } from '../../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../../testing/server.ts'
import { openRealServer, type RealServer } from './testing.ts'

const secret = 'a-credential-of-the-project'

let server: TestServer
let person: Person
let real: RealServer
let plain: RealServer
let projectId: ProjectId
let taskId: TaskId
let sessionId: SessionId
let token: string
let changes: { projectId: ProjectId; mcpServerId: McpServerId }

beforeAll(async () => {
  ;[real, plain] = [await openRealServer(), await openRealServer({ json: true })]
  server = await openTestServer({ HELIX_ALLOW_PRIVATE_PROVIDERS: '1' })
  person = await server.addPerson()
  const project = await addProject(person)
  projectId = project.id
  taskId = (await addTask(person, project)).id
  sessionId = (await server.worker(openSession, { params: { taskId }, body: { key: 'k' } })).sessionId as SessionId
  token = await mintSessionToken(server.context.db, { orgId: person.orgId, sessionId, epoch: 1 })
  await person.call(createProjectSecret, { params: { projectId }, body: { name: 'ISSUES_TOKEN', value: secret, exposure: 'proxy' } })
  const headers = [{ name: 'Authorization', prefix: 'Bearer ', secret: 'ISSUES_TOKEN' }]
  const policy = { allowedTools: ['*'], deniedTools: ['delete_*'], timeLimitSeconds: 1, maxRequestMb: 1, maxAnswerMb: 1, headers }
  const made = await person.call(createMcpServer, { params: { projectId }, body: { name: 'issues', url: real.url, ...policy } })
  changes = { projectId, mcpServerId: made.id as McpServerId }
  await person.call(createMcpServer, { params: { projectId }, body: { name: 'plain', url: plain.url, ...policy } })
})
afterEach(() => {
  real.play = null
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await real?.[Symbol.asyncDispose]()
  await plain?.[Symbol.asyncDispose]()
})

const address = (name: string): URL => new URL(mcpServerPath(name), server.url)

async function connect(name: string, bearer = token): Promise<Client> {
  const client = new Client({ name: 'agent', version: '1' })
  const requestInit = { headers: { authorization: `Bearer ${bearer}` } }
  await client.connect(new StreamableHTTPClientTransport(address(name), { requestInit }) as Parameters<Client['connect']>[0])
  return client
}

const accept = 'application/json, text/event-stream'
function post(body: string | object, headers: Record<string, string> = {}, name = 'issues'): Promise<Response> {
  const all = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept, ...headers }
  return fetch(address(name), { method: 'POST', headers: all, body: typeof body === 'string' ? body : JSON.stringify(body) })
}
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
const json = (response: Response): Promise<{ id: unknown; error: { code: number; message: string } }> => response.json() as never
const sse = { 'content-type': 'text/event-stream' }

async function newest(wanted: (call: McpCall) => boolean): Promise<McpCall> {
  for (let look = 0; look < 200; look++) {
    const found = (await person.call(listMcpCalls, { params: { projectId }, query: { limit: 200 } })).items.find(wanted)
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('no such call is listed')
}

test.each(['issues', 'plain'])('the official client works through the proxy, and sees only tools that are allowed (%s)', async (name) => {
  const client = await connect(name)
  expect(client.getServerVersion()?.name).toBe('issues')
  const { tools } = await client.listTools()
  expect(tools.map((tool) => tool.name).toSorted()).toEqual(['echo', 'list_issues', 'progress', 'read_issue', 'whoami'])
  expect(await client.callTool({ name: 'read_issue', arguments: { id: 7 } })).toMatchObject({ content: [{ text: 'issue 7' }] })
  await expect(client.callTool({ name: 'delete_issue', arguments: { id: 7 } })).rejects.toThrow(
    /delete_issue of the MCP server \w+ is not allowed in this project\. Whoever may change the project \(admin\)/,
  )
  await client.close()
})

test('progress comes as events while the tool works, and the end of a session is passed on', async () => {
  const client = await connect('issues')
  const seen: number[] = []
  const options = { onprogress: ({ progress }: { progress: number }) => void seen.push(progress) }
  expect(await client.callTool({ name: 'progress' }, undefined, options)).toMatchObject({ content: [{ text: 'done' }] })
  expect(seen).toEqual([1, 2, 3])
  const open = real.sessions.size
  await (client.transport as unknown as StreamableHTTPClientTransport).terminateSession()
  expect(real.sessions.size).toBe(open - 1)
  await client.close()
})

test('what the server says by itself reaches the agent over the open stream', async () => {
  const client = await connect('issues')
  const heard = new Promise<void>((resolve) => {
    client.fallbackNotificationHandler = async ({ method }) => {
      if (method === 'notifications/tools/list_changed') resolve()
    }
  })
  const id = (client.transport as unknown as StreamableHTTPClientTransport).sessionId ?? ''
  // The stream is opened by the client after the first answer.
  while (!real.heard.some(({ method, headers }) => method === 'GET' && headers['mcp-session-id'] === id))
    await new Promise((resolve) => setTimeout(resolve, 20))
  real.sessions.get(id)?.served.sendToolListChanged()
  await heard
  await client.close()
})

test('the server gets the project’s credential and never the session’s token; no answer holds the credential', async () => {
  real.heard.length = 0
  const client = await connect('issues')
  const told = JSON.stringify(await client.callTool({ name: 'whoami' }))
  expect(told).toContain('[secret ISSUES_TOKEN]')
  expect(told).not.toContain(secret)
  expect(real.heard.length).toBeGreaterThan(1)
  expect(real.heard.every(({ headers }) => headers.authorization === `Bearer ${secret}`)).toBe(true)
  expect(JSON.stringify(real.heard)).not.toContain(token)
  await client.close()
})

test.each([
  ['no token', {}, 401],
  ['a token of nobody', { authorization: 'Bearer hs_nobody' }, 401],
  ['a token as another header', { 'x-api-key': 'TOKEN' }, 401],
  ['a cookie', { authorization: 'Bearer TOKEN', cookie: 'a=b' }, 401],
])('who brings %s is refused', async (_, headers, status) => {
  real.heard.length = 0
  const given = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, value.replace('TOKEN', token)]))
  const response = await fetch(address('issues'), { method: 'POST', headers: given, body: JSON.stringify(ping) })
  expect([response.status, (await json(response)).id]).toEqual([status, null])
  expect(real.heard).toEqual([])
})

test('an API key is refused, also an owner’s', async () => {
  expect((await post(ping, { authorization: `Bearer ${person.apiKey}` })).status).toBe(401)
})

test('a stranger’s session has no such server', async () => {
  const stranger = await server.addPerson()
  const task = await addTask(stranger, await addProject(stranger))
  const theirs = await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })
  const bearer = await mintSessionToken(server.context.db, { orgId: stranger.orgId, sessionId: theirs.sessionId as SessionId, epoch: 1 })
  real.heard.length = 0
  const response = await post(ping, { authorization: `Bearer ${bearer}` })
  expect([response.status, real.heard.length]).toEqual([404, 0])
  await expect(stranger.call(listMcpCalls, { params: { projectId } })).rejects.toMatchObject({ code: 'not_found' })
  await revokeSessionTokens(server.context.db, theirs.sessionId as SessionId)
  // PostgreSQL tells of it a moment later.
  await expect.poll(async () => (await post(ping, { authorization: `Bearer ${bearer}` })).status, { timeout: 900, interval: 20 }).toBe(402)
})

test('a refused tool reaches the server in no disguise', async () => {
  real.heard.length = 0
  const refused = { name: 'delete_issue', arguments: { id: 1 } }
  const call = (params: object, extra = {}) => ({ jsonrpc: '2.0', id: 9, method: 'tools/call', params, ...extra })
  expect((await json(await post(call(refused)))).error.code).toBe(-32003)
  const batch = (await (await post([ping, call(refused)])).json()) as { id: number }[]
  expect(batch.map(({ id }) => id)).toEqual([1, 9])
  const notified = await post({ jsonrpc: '2.0', method: 'tools/call', params: refused })
  expect(notified.status).toBe(403)
  for (const odd of [
    call({ name: 'echo', Name: 'delete_issue' }),
    { ...ping, Method: 'tools/call', params: refused },
    { ...ping, PARAMS: refused },
    call({ name: ['delete_issue'] }),
  ])
    expect((await post(odd)).status).toBe(400)
  expect(real.heard).toEqual([])
  real.play = (_request, response) => response.writeHead(202).end()
  await post(
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping","params":{"name":"echo","name":"list_issues","big":12345678901234567890}}',
  )
  expect(real.heard.at(-1)?.body).toBe(
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"name":"list_issues","big":12345678901234567890}}',
  )
})

test.each([
  ['no JSON', '{"jsonrpc":'],
  ['half a character', Buffer.from([0x22, 0xc3]).toString('latin1')],
  ['no message', '[]'],
  ['a number', '7'],
  ['too many', JSON.stringify(Array(51).fill(ping))],
])('nonsense is refused: %s', async (_, body) => {
  real.heard.length = 0
  expect((await post(body)).status).toBe(400)
  expect(real.heard).toEqual([])
})

test('a request that is too large is refused, whether it says so or not', async () => {
  real.heard.length = 0
  const large = JSON.stringify({ ...ping, params: { text: 'x'.repeat(1024 ** 2) } })
  expect((await post(large)).status).toBe(413)
  const stream = new Blob([large]).stream()
  const headers = { authorization: `Bearer ${token}` }
  const streamed = await fetch(address('issues'), { method: 'POST', headers, body: stream, duplex: 'half' } as RequestInit)
  expect(streamed.status).toBe(413)
  expect(real.heard).toEqual([])
  expect((await newest(({ outcome }) => outcome === 'too_large')).status).toBe(413)
})

test.each([
  [
    'as JSON',
    (part: string) => [{ 'content-type': 'application/json' }, JSON.stringify({ jsonrpc: '2.0', id: 1, result: { part } })] as const,
  ],
  ['in one event', (part: string) => [sse, `data: ${part}`] as const],
  ['in many events', (part: string) => [sse, `data: {"x":"${part.slice(0, 1000)}"}\n\n`.repeat(2000)] as const],
])('an answer that is too large ends with an error that says so: %s', async (_, make) => {
  const [type, body] = make('y'.repeat(1024 ** 2 + 1))
  real.play = (_request, response) => void response.writeHead(200, type).end(body)
  const text = await (await post(ping)).text()
  expect(text).toContain('larger than 1 MB')
  expect(text.length).toBeLessThan(1.2 * 1024 ** 2)
})

test('a server that hangs, before its answer or half way, is given up in time', async () => {
  let closed = 0
  real.play = (_request, response) => void response.once('close', () => closed++)
  expect((await json(await post(ping))).error).toMatchObject({
    code: ErrorCode.RequestTimeout,
    message: expect.stringContaining('within 1 seconds'),
  })
  real.play = (_request, response) => {
    response.once('close', () => closed++)
    response.writeHead(200, sse).write('data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n')
  }
  const text = await (await post(ping)).text()
  expect(text).toContain('notifications/message')
  expect(text).toContain('within 1 seconds')
  expect(closed).toBe(2)
  expect((await newest(({ outcome }) => outcome === 'timed_out')).method).toBe('ping')
})

test('when the agent leaves, the server is left too', async () => {
  const abort = new AbortController()
  const ended = new Promise<void>((resolve) => {
    real.play = (_request, response) => {
      response.once('close', resolve)
      abort.abort()
    }
  })
  const headers = { authorization: `Bearer ${token}` }
  await expect(
    fetch(address('issues'), { method: 'POST', headers, body: JSON.stringify({ ...ping, method: 'x/left' }), signal: abort.signal }),
  ).rejects.toThrow()
  await ended
  expect(await newest(({ method }) => method === 'x/left')).toMatchObject({ outcome: 'left' })
})

test.each([
  [302, /redirects elsewhere/],
  [307, /redirects elsewhere/],
  [401, /refuses the credentials \(401\)/],
  [403, /refuses the credentials \(403\)/],
])('a server that answers %i is not followed, and the agent is told why', async (status, words) => {
  plain.heard.length = 0
  real.play = (_request, response) => void response.writeHead(status, { location: plain.url, 'www-authenticate': 'Bearer' }).end()
  const response = await post(ping)
  expect([response.status, response.headers.get('location'), response.headers.get('www-authenticate')]).toEqual([200, null, null])
  expect((await json(response)).error.message).toMatch(words)
  expect(plain.heard).toEqual([])
})

test('a list of tools in odd chunks and lines is filtered all the same, and its ids are kept', async () => {
  const tools = [{ name: 'delete_issue' }, { name: 'grüße' }]
  const message = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools } })
  const cut = message.indexOf(',"result"') + 1
  const bytes = Buffer.from(
    `: hello\r\n\r\nid: 7\r\nevent: message\r\ndata: ${message.slice(0, cut)}\r\ndata: ${message.slice(cut)}\r\n\r\n`,
  )
  real.play = (_request, response) => {
    response.writeHead(200, sse)
    for (const byte of bytes) response.write(Buffer.from([byte]))
    response.end()
  }
  const text = await (await post({ ...ping, method: 'tools/list' })).text()
  expect(text).toBe(': hello\r\n\r\nid: 7\nevent: message\ndata: {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"grüße"}]}}\n\n')
})

test('a server that cuts its answer, or is not there, is told as such and without its address', async () => {
  real.play = (_request, response) => {
    response.writeHead(200, sse).write('data: {"half":')
    setTimeout(() => response.destroy(), 50)
  }
  expect(await (await post(ping)).text()).toContain('ended its answer half way')
  await person.call(updateMcpServer, { params: changes, body: { url: 'http://127.0.0.1:9/mcp' } })
  const { error } = await json(await post(ping))
  await person.call(updateMcpServer, { params: changes, body: { url: real.url } })
  expect(error.message).toContain('cannot be reached')
  expect(error.message).not.toContain('127.0.0.1')
})

test('a hundred calls at once are all answered, or told to wait', async () => {
  const client = await connect('plain')
  const all = await Promise.allSettled(Array.from({ length: 100 }, (_, id) => client.callTool({ name: 'read_issue', arguments: { id } })))
  const done = all.flatMap((one, id) => (one.status === 'fulfilled' ? [[id, JSON.stringify(one.value)] as const] : []))
  expect(done.length).toBeGreaterThan(50)
  for (const [id, text] of done) expect(text).toContain(`issue ${id}"`)
  for (const one of all) if (one.status === 'rejected') expect(String(one.reason)).toContain('under way')
  await client.close()
})

test('each call is listed with who, what and how long, and without arguments', async () => {
  const words = 'words-that-nobody-keeps'
  const client = await connect('issues')
  await client.callTool({ name: 'echo', arguments: { words } })
  await client.close()
  const call = await newest(({ tool }) => tool === 'echo')
  expect(call).toMatchObject({
    server: 'issues',
    sessionId,
    taskId,
    person: 'Test Person',
    method: 'tools/call',
    outcome: 'ok',
    status: 200,
  })
  expect([call.requestBytes > 0, call.answerBytes > 0]).toEqual([true, true])
  const refused = await newest(({ tool }) => tool === 'delete_issue')
  expect(refused.outcome).toBe('refused')
  const { rows } = (await server.context.db.raw('select * from mcp_calls')) as { rows: unknown[] }
  expect(JSON.stringify(rows)).not.toContain(words)
  expect(JSON.stringify(rows)).not.toContain(secret)
  const ofTask = await person.call(listMcpCalls, { params: { projectId }, query: { taskId, server: 'issues', limit: 2 } as never })
  expect(ofTask.items).toHaveLength(2)
  const next = await person.call(listMcpCalls, {
    params: { projectId },
    query: { cursor: ofTask.nextCursor as never, limit: 200 } as never,
  })
  expect(next.items.map(({ id }) => id)).not.toContain(ofTask.items[1]?.id)
})

test('a server that is switched off, or lacks its secret, is not asked', async () => {
  real.heard.length = 0
  await person.call(updateMcpServer, { params: changes, body: { enabled: false } })
  expect((await post(ping)).status).toBe(404)
  await person.call(updateMcpServer, { params: changes, body: { enabled: true } })
  await server.context.db('secrets').where({ project_id: projectId }).update({ name: 'OTHER' })
  expect((await json(await post(ping))).error.message).toMatch(/needs the secret ISSUES_TOKEN, which is not there/)
  await server.context.db('secrets').where({ project_id: projectId }).update({ name: 'ISSUES_TOKEN' })
  expect(real.heard).toEqual([])
})

test('on an installation that does not allow it, a name that leads into the own network is not dialled', async () => {
  await using closed = await openTestServer()
  const someone = await closed.addPerson()
  const project = await addProject(someone)
  const task = await addTask(someone, project)
  const made = await closed.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })
  const bearer = await mintSessionToken(closed.context.db, { orgId: someone.orgId, sessionId: made.sessionId as SessionId, epoch: 1 })
  const row = { id: closed.context.newId('mcpServer'), org_id: someone.orgId, project_id: project.id, name: 'inside', url: real.url }
  await closed.context.db('mcp_servers').insert({ ...row, time_limit_seconds: 5, max_request_mb: 1, max_answer_mb: 1 })
  real.heard.length = 0
  const url = new URL(mcpServerPath('inside'), closed.url)
  const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${bearer}` }, body: JSON.stringify(ping) })
  expect((await json(response)).error.message).toContain('cannot be reached')
  expect(real.heard).toEqual([])
})
