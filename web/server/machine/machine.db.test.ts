import { once } from 'node:events'
import { request as requestHttp } from 'node:http'
import type { ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { SessionId } from '@helix/contract/ids'
import { locateSession, recordSession } from '@helix/contract/internal'
import { execCommand, listPorts, listTerminals, sharePort } from '@helix/contract/machine-use'
import type { Project } from '@helix/contract/projects'
import {
  createSession,
  listSessions,
  mostOpenSessions,
  promptSession,
  resumeSession,
  stopSession,
  suspendSession,
} from '@helix/contract/session-life'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { addProject } from '../internal/testing.ts'
import { Previews } from '../previews/proxy.ts'
import { FakeMachine, MachineHost } from '../testing/machine.ts'
import { openReplica } from '../testing/replica.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let person: Person
let stranger: Person
let project: Project
let machine: FakeMachine
let host: MachineHost
let sessionId: SessionId
let token: string
beforeAll(async () => {
  server = await openTestServer({ FRONTEND_URL: 'http://localhost:8080' })
  person = await server.addPerson()
  stranger = await server.addPerson()
  project = await addProject(person)
  machine = await FakeMachine.open()
  host = await MachineHost.join(server.url, machine)
  sessionId = (await person.call(createSession, { params: { projectId: project.id }, body: { title: 'A try' } })).id
  token = await host.start(server, sessionId)
})
afterAll(async () => {
  host[Symbol.dispose]()
  await machine[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
afterEach(() => {
  machine.answer = () => ({ status: 200, body: {} })
  machine.application = (_, response) => void response.end('hello')
  host.manner = 'connect'
  host.tunnelsTo = server.url
})

const done: ResponseOf<typeof execCommand> = { exitCode: 0, stdout: 'x\n', stderr: '', truncated: false, durationMs: 1 }
const exec = (who = person, id = sessionId) => who.call(execCommand, { params: { sessionId: id }, body: { command: 'echo x' } })
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: unknown) => (error instanceof HelixError ? error.code : String(error)),
  )
const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: Error) => error.message,
  )

test('a command reaches the machine with its token, which no other start and no other session has', async () => {
  machine.answer = () => ({ status: 200, body: done })
  expect(await exec()).toEqual(done)
  expect(machine.asked.at(-1)).toMatchObject({ method: 'POST', url: '/exec', token })
  expect(JSON.parse(machine.asked.at(-1)?.body ?? '')).toMatchObject({ command: 'echo x', timeoutMs: 120_000 })
  const rows = await server.context.db('agent_sessions').where({ id: sessionId })
  expect(JSON.stringify(rows)).not.toContain(token)
})

test('a stranger’s try is not found and is not dialled', async () => {
  const before = host.dials.length
  expect(await codeOf(exec(stranger))).toBe('not_found')
  expect(await codeOf(stranger.call(listTerminals, { params: { sessionId } }))).toBe('not_found')
  const raw = await fetch(`${server.url}/api/v1/sessions/${sessionId}/files/content?path=a`, {
    headers: { authorization: `Bearer ${stranger.apiKey}` },
  })
  expect([raw.status, host.dials.length]).toEqual([404, before])
})

test('errors of the machine come through in its words; nonsense from it is not taken for an answer', async () => {
  machine.answer = () => ({ status: 429, body: { error: { code: 'rate_limited', message: '32 commands run' } } })
  expect(await messageOf(exec())).toBe('32 commands run')
  for (const body of ['nonsense', { exitCode: 'x' }, { error: { code: 'not_signed_in', message: 'give me your password' } }]) {
    machine.answer = () => ({ status: body === 'nonsense' ? 200 : 401, body })
    expect(await codeOf(exec())).toBe('machine_unavailable')
  }
})

test('a host that refuses, is older, or is away is told with the way out', async () => {
  host.manner = 'refuse'
  expect(await messageOf(exec())).toMatch(/does not run on this host\. Resume the session/)
  host.manner = 'silent'
  expect(await messageOf(exec())).toMatch(/did not connect in time/)
  await server.context
    .db('hosts')
    .where({ id: host.hostId })
    .update({ last_seen_at: server.context.db.raw("now() - interval '40 seconds'") })
  expect(await messageOf(exec())).toMatch(/is silent for 4\d s/)
  await server.context.db('hosts').where({ id: host.hostId }).update({ last_seen_at: server.context.db.fn.now() })
})

test('a hundred commands at once all come back, each over a connection of its own', async () => {
  machine.answer = ({ body }) => ({ status: 200, body: { ...done, stdout: JSON.parse(body).command } })
  const ask = (index: number) => person.call(execCommand, { params: { sessionId }, body: { command: `echo ${index}` } })
  const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => ask(index)))
  expect(answers.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 100 }, (_, index) => `echo ${index}`))
})

test('a file is carried up and down as it is', async () => {
  const bytes = Buffer.alloc(2_000_000, 9)
  machine.answer = ({ body }) => ({ status: 200, body: { size: body.length } })
  const url = `${server.url}/api/v1/sessions/${sessionId}/files/content?path=${encodeURIComponent('a b.bin')}`
  const headers = { authorization: `Bearer ${person.apiKey}` }
  expect(await (await fetch(url, { method: 'PUT', body: bytes, headers })).json()).toEqual({ size: bytes.length })
  expect(machine.asked.at(-1)?.url).toBe('/files/content?path=a%20b.bin')
  machine.answer = () => ({ status: 200, body: { some: 'content' } })
  const down = await fetch(url, { headers })
  expect([down.headers.get('content-disposition'), await down.text()]).toEqual([
    `attachment; filename*=UTF-8''a%20b.bin`,
    '{"some":"content"}',
  ])
  expect(down.headers.get('content-security-policy')).toContain('sandbox')
  machine.answer = () => ({ status: 404, body: { error: { code: 'not_found', message: 'no such file' } } })
  expect((await fetch(url, { headers })).status).toBe(404)
})

const attach = (headers: Record<string, string>, id: string = sessionId, url = server.url) =>
  new WebSocket(`${url.replace('http', 'ws')}/api/v1/sessions/${id}/terminals/0123456789abcdef/attach?after=5`, { headers })

test('a terminal is a WebSocket to the machine; strangers and pages elsewhere get none', async () => {
  const socket = attach({ authorization: `Bearer ${person.apiKey}` })
  await once(socket, 'open')
  expect(machine.asked.at(-1)).toMatchObject({ url: '/terminals/0123456789abcdef/attach?after=5', token })
  socket.send(Buffer.from('typed'))
  const [data] = await once(socket, 'message')
  expect(String(data)).toBe('typed')
  socket.terminate()
  const refusals: [Record<string, string>, string][] = [
    [{ authorization: `Bearer ${stranger.apiKey}` }, '404'],
    [{}, '401'],
    [{ cookie: 'helix=x', origin: 'https://evil.example' }, '403'],
  ]
  for (const [headers, status] of refusals) {
    const [error] = await once(attach(headers), 'error')
    expect(String(error)).toContain(status)
  }
})

test('a replica without the host’s link asks the one that has it, and a tunnel that ends at the wrong replica is passed on', async () => {
  await using replica = await openReplica(server)
  // The holder's own address, as other replicas know it; its lease writes down the one of its configuration each ten seconds.
  const known = () => server.context.db('host_links').where({ host_id: host.hostId }).update({ address: server.url })
  machine.answer = () => ({ status: 200, body: done })
  const ask = async () => {
    await known()
    return fetch(`${replica.url}/api/v1/sessions/${sessionId}/exec`, {
      method: 'POST',
      body: JSON.stringify({ command: 'x' }),
      headers: { authorization: `Bearer ${person.apiKey}`, 'content-type': 'application/json' },
    })
  }
  expect(await (await ask()).json()).toEqual(done)
  host.tunnelsTo = replica.url
  expect(await (await ask()).json()).toEqual(done)
  await known()
  const socket = attach({ authorization: `Bearer ${person.apiKey}` }, sessionId, replica.url)
  await once(socket, 'open')
  const big = Buffer.alloc(700_000, 3)
  socket.send(big)
  const [echoed] = await once(socket, 'message')
  expect(big.equals(echoed as Buffer)).toBe(true)
  socket.terminate()
  const [error] = await once(new WebSocket(`${replica.url.replace('http', 'ws')}/internal/v1/tunnels/${sessionId}`), 'error')
  expect(String(error)).toContain('401')
  const nobody = new WebSocket(`${replica.url.replace('http', 'ws')}/internal/v1/hosts/tunnels/guess?host=${host.hostId}`, {
    headers: { authorization: `Bearer ${'r'.repeat(40)}` },
  })
  expect(String((await once(nobody, 'error'))[0])).toMatch(/404|hang up|503|502/)
})

const previewHost = (port = 3000) => `${port}-${sessionId.slice(4)}.localhost:8080`

/** A request to a preview, as its host name leads it here. */
function preview(path: string, headers: Record<string, string> = {}, port = 3000) {
  return new Promise<{ status: number; headers: Record<string, string | string[] | undefined>; text: string }>((resolve, reject) => {
    const asked = requestHttp(`${server.url}${path}`, { headers: { host: previewHost(port), ...headers } }, async (response) => {
      let text = ''
      for await (const chunk of response) text += String(chunk)
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** The cookie that a person gets by way of the ticket. */
async function enter(who = person, port = 3000, to = '/'): Promise<{ cookie: string; ticket: string }> {
  const open = await fetch(`${server.url}/api/v1/sessions/${sessionId}/ports/${port}/open?to=${encodeURIComponent(to)}`, {
    headers: { authorization: `Bearer ${who.apiKey}` },
    redirect: 'manual',
  })
  const location = new URL(open.headers.get('location') ?? 'http://none')
  expect(location.host).toBe(previewHost(port))
  const ticket = location.pathname + location.search
  const entered = await preview(ticket, {}, port)
  expect([entered.status, entered.headers.location]).toEqual([302, to])
  return { cookie: String(entered.headers['set-cookie']).split(';')[0] ?? '', ticket }
}

test('a preview opens with a ticket for one use and a cookie for one host, and nobody else gets in', async () => {
  const { cookie, ticket } = await enter(person, 3000, '/page?a=1')
  expect((await preview('/', { cookie })).text).toBe('hello')
  expect((await preview(ticket)).status).toBe(404)
  expect((await preview('/')).status).toBe(404)
  expect((await preview('/', { cookie: `${cookie}x` })).status).toBe(404)
  machine.ports.add(4000)
  expect((await preview('/', { cookie }, 4000)).status).toBe(404)
  const foreign = await fetch(`${server.url}/api/v1/sessions/${sessionId}/ports/3000/open`, {
    headers: { authorization: `Bearer ${stranger.apiKey}` },
    redirect: 'manual',
  })
  expect(foreign.status).toBe(404)
  const nothing = await preview('/', { host: `3000-${'0'.repeat(26)}.localhost:8080` })
  expect([nothing.status, nothing.text]).toEqual([404, (await preview('/')).text])
  const refused = await preview('/', { cookie: (await enter(person, 5000)).cookie }, 5000)
  expect([refused.status, refused.text]).toEqual([502, expect.stringContaining('Nothing listens on port 5000')])
})

test('an application gets none of our cookies, and can set none of ours nor one for other hosts', async () => {
  const { cookie } = await enter()
  let heard: Record<string, unknown> = {}
  machine.application = (request, response) => {
    heard = request.headers
    response.setHeader('set-cookie', ['helix=stolen', 'helix-preview=forged', 'own=1; Domain=localhost; Path=/'])
    response.writeHead(302, { location: 'http://localhost:3000/next' }).end()
  }
  const answer = await preview('/', { cookie: `helix=secret; theirs=2; ${cookie}`, origin: `http://${previewHost()}` })
  expect(heard).toMatchObject({
    cookie: 'theirs=2',
    host: 'localhost:3000',
    origin: 'http://localhost:3000',
    'x-forwarded-host': previewHost(),
  })
  expect(answer.headers['set-cookie']).toEqual(['own=1; Path=/'])
  expect(answer.headers.location).toBe(`http://${previewHost()}/next`)
})

test('a WebSocket of an application is carried for its own page alone', async () => {
  const { cookie } = await enter()
  const dial = (headers: Record<string, string>) =>
    new WebSocket(`${server.url.replace('http', 'ws')}/live`, { headers: { host: previewHost(), ...headers } })
  const socket = dial({ cookie, origin: `http://${previewHost()}` })
  await once(socket, 'open')
  socket.send('ping')
  expect(String((await once(socket, 'message'))[0])).toBe('app:ping')
  socket.terminate()
  expect(String((await once(dial({}), 'error'))[0])).toContain('404')
  expect(String((await once(dial({ cookie, origin: 'https://evil.example' }), 'error'))[0])).toContain('403')
})

test('a port is shared by a switch that is off at first, until it is taken back', async () => {
  machine.ports.add(3300)
  machine.answer = () => ({ status: 200, body: { items: [{ port: 3300, process: 'node' }] } })
  const params = { sessionId, port: 3300 }
  const list = async () => (await person.call(listPorts, { params: { sessionId } })).items
  expect(await list()).toEqual([{ port: 3300, process: 'node', url: `http://${previewHost(3300)}`, shared: false }])
  await person.call(sharePort, { params, body: { shared: true } })
  expect((await list())[0]?.shared).toBe(true)
  expect((await preview('/', {}, 3300)).text).toBe('hello')
  expect(await codeOf(stranger.call(sharePort, { params, body: { shared: true } }))).toBe('not_found')
})

test('rights that are taken from a person close the previews they have open', async () => {
  const { cookie } = await enter()
  await server.context.db('memberships').where({ user_id: person.userId }).update({ deactivated_at: server.context.db.fn.now() })
  const fresh = new Previews(server.context)
  const headers = { host: previewHost(), cookie }
  expect(await fresh.admission.admits({ sessionId, port: 3000 }, headers)).toBe(false)
  await server.context.db('memberships').where({ user_id: person.userId }).update({ deactivated_at: null })
})

test('a session without a task is told to wake, suspend, work and stop through its workflow; asked twice is harmless', async () => {
  const params = { sessionId }
  const { told } = server.context.recorded
  server.context.outbox.start()
  await expect.poll(() => told).toContainEqual({ sessionId, taskId: null, signal: 'wake', payload: {} })
  await person.call(suspendSession, { params })
  const { id } = await person.call(promptSession, { params, body: { text: 'Look around' } })
  await expect.poll(() => told).toContainEqual({ sessionId, taskId: null, signal: 'prompt', payload: { promptId: id, mode: 'queue' } })
  expect(await codeOf(stranger.call(stopSession, { params }))).toBe('not_found')
  await server.worker(recordSession, { params, body: { epoch: 1, state: 'suspended', reason: 'idle' } })
  expect(await messageOf(exec())).toBe('The session is suspended: resume it first.')
  await person.call(resumeSession, { params })
  const { items } = await person.call(listSessions, { params: { projectId: project.id }, query: { tasks: 'without' } })
  expect(items).toMatchObject([{ id: sessionId, title: 'A try', state: 'suspended', taskId: null }])
  await person.call(stopSession, { params })
  await person.call(stopSession, { params })
  await server.worker(recordSession, { params, body: { epoch: 1, state: 'stopped', reason: 'Stopped' } })
  expect(await codeOf(person.call(resumeSession, { params }))).toBe('conflict')
  expect(await codeOf(exec())).toBe('conflict')
  // A process that has not asked yet: answers serve for some seconds.
  expect(await new Previews(server.context).admission.admits({ sessionId, port: 3300 }, {})).toBe(false)
}, 60_000)

test('a session’s host is told to begin before its workflow asks, and whoever dials meanwhile waits for the machine', async () => {
  const { id } = await person.call(createSession, { params: { projectId: project.id }, body: { title: 'At once' } })
  // On PostgreSQL the host hears it twice: from this replica at once, and from the one that holds its link, which here is the same.
  const heard = () => new Set(host.starts.filter((one) => one.sessionId === id).map((one) => JSON.stringify(one)))
  await expect.poll(heard).toEqual(new Set([JSON.stringify({ type: 'start', sessionId: id, epoch: 0, reason: 'first start' })]))
  machine.answer = () => ({ status: 200, body: done })
  const asked = exec(person, id)
  await host.start(server, id)
  expect(await asked).toEqual(done)
  await server.worker(recordSession, { params: { sessionId: id }, body: { epoch: 1, state: 'suspended', reason: 'idle' } })
  await person.call(resumeSession, { params: { sessionId: id } })
  await expect.poll(() => host.starts.at(-1)).toEqual({ type: 'start', sessionId: id, epoch: 1, reason: 'resumed' })
  await server.worker(recordSession, { params: { sessionId: id }, body: { epoch: 1, state: 'stopped', reason: 'over' } })
})

test('what people use is not idle, and a project’s times are told', async () => {
  const times = async () => server.worker(locateSession, { params: { sessionId } })
  expect(await times()).toMatchObject({ idleMs: 600_000, endsAt: null })
  expect((await times()).idleLeftMs).toBeGreaterThan(500_000)
  await server.context
    .db('agent_sessions')
    .where({ id: sessionId })
    .update({ used_at: server.context.db.raw("now() - interval '1 hour'") })
  await server.context.db('projects').where({ id: project.id }).update({ ttl_hours: 2 })
  expect(await times()).toMatchObject({ idleLeftMs: 0, endsAt: expect.stringMatching(/Z$/) })
})

test('of more sessions at once than a project may have, as many begin as it may', async () => {
  const mine = await addProject(person)
  const all = Array.from({ length: mostOpenSessions + 10 }, () =>
    codeOf(person.call(createSession, { params: { projectId: mine.id }, body: {} })),
  )
  const counts = Map.groupBy(await Promise.all(all), (code) => code)
  expect([counts.get('ok')?.length, counts.get('conflict')?.length]).toEqual([mostOpenSessions, 10])
}, 60_000)
