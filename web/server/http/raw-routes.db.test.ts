import { attachmentPath, uploadPath } from '@helix/contract/attachments'
import { auditExportPath } from '@helix/contract/audit'
import type { Endpoint } from '@helix/contract/endpoint'
import { publicEndpoints } from '@helix/contract/endpoints'
import * as enrolment from '@helix/contract/enrolment'
import * as hosts from '@helix/contract/hosts'
import * as internal from '@helix/contract/internal'
import { fileContentPath, openPreviewPath, recordingPath } from '@helix/contract/machine-use'
import { type Role, roles } from '@helix/contract/permissions'
import * as recordingWire from '@helix/contract/recording-wire'
import { recordingVideoPath } from '@helix/contract/recordings'
import { createSession } from '@helix/contract/session-life'
import { usageExportPath } from '@helix/contract/usage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp } from '../app.ts'
import { newId } from '../context.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject } from '../internal/testing.ts'
import { testTokens } from '../testing/context.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { Metrics } from './metrics.ts'

/**
 * What answers more than JSON and is mounted by hand: the weakest role that may, and what it is answered. By hand, like the table of the endpoints. The session
 * has no machine here: who may is told so.
 */
const raw: Record<string, { weakest: Role; answer: number }> = {
  'GET /api/v1/events': { weakest: 'viewer', answer: 200 },
  [`GET ${attachmentPath}`]: { weakest: 'viewer', answer: 200 },
  [`POST ${uploadPath}`]: { weakest: 'member', answer: 200 },
  [`GET ${auditExportPath}`]: { weakest: 'admin', answer: 200 },
  [`GET ${usageExportPath}`]: { weakest: 'viewer', answer: 200 },
  [`GET ${fileContentPath}`]: { weakest: 'member', answer: 503 },
  [`PUT ${fileContentPath}`]: { weakest: 'member', answer: 503 },
  [`GET ${recordingPath}`]: { weakest: 'member', answer: 503 },
  [`GET ${recordingVideoPath}`]: { weakest: 'viewer', answer: 404 },
  [`GET ${openPreviewPath}`]: { weakest: 'member', answer: 302 },
}

/** Asked of everybody, or of who signs in, whom better-auth itself asks for; the gateway's are served before Express and have their own tests. */
const others = [
  'GET /healthz',
  'GET /readyz',
  'GET /api/v1/openapi.json',
  'GET /api/docs',
  'GET /api/auth/callback/:connectionId',
  '_ALL /api/auth/passkey/generate-authenticate-options',
  '_ALL /api/auth/passkey/generate-register-options',
  '_ALL /api/auth/passkey/verify-authentication',
  '_ALL /api/auth/passkey/verify-registration',
  // Of agents alone, see mcp/proxy/proxy.db.test.ts.
  '_ALL /mcp/external/:name',
  // Hosts' own, see recordings.db.test.ts.
  `PUT ${recordingWire.segmentPath}`,
]

interface Layer {
  route?: { path: string | string[]; methods: Record<string, boolean> }
  handle?: { stack?: Layer[] }
}

const routesIn = (stack: readonly Layer[]): string[] =>
  stack.flatMap(({ route, handle }) => {
    if (route === undefined) return routesIn(handle?.stack ?? [])
    return [route.path].flat().flatMap((path) => Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${path}`))
  })

let server: TestServer
let owner: Person
let params: Record<string, string>
beforeAll(async () => {
  server = await openTestServer()
  owner = await server.addPerson()
  const project = await addProject(owner)
  const session = await owner.call(createSession, { params: { projectId: project.id }, body: {} })
  params = { projectId: project.id, attachmentId: '', sessionId: session.id, terminalId: '0123456789abcdef', port: '3000' }
  params.attachmentId = ((await (await ask(`POST ${uploadPath}`, owner.apiKey)).json()) as { id: string }).id
})
afterAll(() => server[Symbol.asyncDispose]())

/** A stream that is let in never ends: only its head is waited for. */
async function ask(route: string, token: string | null): Promise<Response> {
  const [method = '', path = ''] = route.split(' ')
  const headers = new Headers({ 'x-file-name': 'a.txt', ...(token === null ? {} : { authorization: `Bearer ${token}` }) })
  const url = `${server.url}${path.replace(/:(\w+)/g, (_, name: string) => params[name] ?? '')}?path=a.txt`
  return fetch(url, { method, headers, redirect: 'manual', ...(method === 'GET' ? {} : { body: 'text' }) })
}

async function statusOf(route: string, token: string | null): Promise<number> {
  const answer = await ask(route, token)
  await answer.body?.cancel()
  return answer.status
}

async function memberOf(role: Role): Promise<string> {
  const userId = newId('user')
  const { db } = server.context
  await db('users').insert({ id: userId, email: `${userId}@example.com`, name: role })
  await db('memberships').insert({ org_id: owner.orgId, user_id: userId, role })
  return (await new IdentityStore(db).createApiKey(owner.orgId, userId, role)).secret
}

test('every route of the app is an endpoint of the contract or stands in a list here, and every endpoint is mounted', async () => {
  const app = await createApp(server.context, new Metrics())
  const endpoints = [
    ...publicEndpoints.values(),
    ...Object.values({ ...internal, ...hosts, ...enrolment, ...recordingWire } as Record<string, unknown>),
  ]
    .filter((one): one is Endpoint => (one as Endpoint).permission !== undefined)
    .map(({ method, path }) => `${method} ${path}`)
  const mounted = routesIn((app as unknown as { router: { stack: Layer[] } }).router.stack)
  expect(mounted.toSorted()).toEqual([...new Set([...endpoints, ...Object.keys(raw), ...others])].toSorted())
})

test('every route that is mounted by hand answers every role, a stranger and another organisation as the table says', async () => {
  const [stranger, keys] = [await server.addPerson(), new Map<Role, string>()]
  for (const role of roles) keys.set(role, await memberOf(role))
  let pairs = 0
  for (const [route, { weakest, answer }] of Object.entries(raw)) {
    for (const token of [null, 'hx_wrong', testTokens.worker, testTokens.runner])
      expect([route, await statusOf(route, token)]).toEqual([route, 401])
    // What names nothing is the caller's own organisation.
    expect([route, await statusOf(route, stranger.apiKey)]).toEqual([route, route.includes(':') ? 404 : 200])
    for (const role of roles) {
      const may = roles.indexOf(role) <= roles.indexOf(weakest)
      expect([route, role, await statusOf(route, keys.get(role) ?? '')]).toEqual([route, role, may ? answer : 403])
    }
    pairs += 2 + roles.length
  }
  await server.context.db('projects').where({ org_id: owner.orgId }).update({ visibility: 'private' })
  const outside = await memberOf('member')
  for (const route of Object.keys(raw).filter((one) => one.includes(':'))) {
    expect([route, await statusOf(route, outside)]).toEqual([route, 404])
    pairs += 1
  }
  console.info(`raw routes: ${pairs} pairs of route and role checked, ${Object.keys(raw).length} routes`)
})
