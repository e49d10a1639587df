import type { Endpoint } from '@helix/contract/endpoint'
import { publicEndpoints } from '@helix/contract/endpoints'
import * as enrolment from '@helix/contract/enrolment'
import * as hosts from '@helix/contract/hosts'
import { createApiKey } from '@helix/contract/identity'
import { inboxKinds } from '@helix/contract/inbox'
import * as internal from '@helix/contract/internal'
import { createLabel } from '@helix/contract/labels'
import { createTeam, invitePeople } from '@helix/contract/organisations'
import { type Role, roles } from '@helix/contract/permissions'
import { deleteProject } from '@helix/contract/projects'
import * as recordingWire from '@helix/contract/recording-wire'
import { promptMaxLength } from '@helix/contract/tasks'
import { createTemplate } from '@helix/contract/templates'
import { createView } from '@helix/contract/views'
import { createWebhook } from '@helix/contract/webhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../context.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject, addTask } from '../internal/testing.ts'
import { addHostRow } from '../placement/testing.ts'
import { testTokens } from '../testing/context.ts'
import { type Asked, send } from '../testing/requests.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { endsThings, weakestRole } from './access.expected.ts'

let server: TestServer
let owner: Person
let stranger: Person
/** A valid request for every endpoint, about things of the owner's organisation. */
let asked: Record<string, Asked>
let secrets: string[]

const endpoints = [...publicEndpoints]
const internals = Object.entries({ ...internal, ...hosts, ...enrolment, ...recordingWire } as Record<string, unknown>).filter(
  (entry): entry is [string, Endpoint] => (entry[1] as Partial<Endpoint> | null)?.permission !== undefined,
)
const commit = 'a'.repeat(40)

beforeAll(async () => {
  server = await openTestServer()
  owner = await server.addPerson()
  stranger = await server.addPerson()
  const project = await addProject(owner)
  const task = await addTask(owner, project)
  const { sessionId } = await server.worker(internal.openSession, { params: { taskId: task.id }, body: { key: 'k' } })
  const key = await owner.call(createApiKey, { body: { name: 'Mine' } })
  const repositoryId = project.repositories[0]?.id ?? ''
  const team = await owner.call(createTeam, { body: { name: 'Owners' } })
  const invited = await owner.call(invitePeople, { body: { emails: ['grace@example.com'] } })
  const ofProject = { params: { projectId: project.id } }
  const label = await owner.call(createLabel, { ...ofProject, body: { name: 'feature' } })
  const view = await owner.call(createView, { ...ofProject, body: { name: 'All', query: '' } })
  const template = await owner.call(createTemplate, { ...ofProject, body: { name: 'New', prompt: 'Make it' } })
  const hook = { name: 'Chat', url: 'https://hooks.example.invalid/x', kinds: ['failed' as const], projectIds: null }
  const made = await owner.call(createWebhook, { body: hook })
  const deleted = await addProject(owner)
  await owner.call(deleteProject, { params: { projectId: deleted.id }, body: { name: deleted.name } })
  const params = {
    projectId: project.id,
    taskId: task.id,
    sessionId,
    repositoryId,
    apiKeyId: key.id,
    commentId: newId('comment'),
    userId: owner.userId,
    granteeId: owner.userId,
    teamId: team.id,
    invitationId: invited.items[0]?.id ?? '',
    itemId: newId('inboxItem'),
    webhookId: made.webhook.id,
    deliveryId: newId('delivery'),
    deviceId: newId('pushSubscription'),
    mailId: newId('mail'),
    codeCommentId: newId('codeComment'),
    promptId: newId('prompt'),
    requestId: 'request-of-the-owner',
    linkId: newId('link'),
    dependsOnId: task.id,
    labelId: label.id,
    viewId: view.id,
    templateId: template.id,
    attachmentId: newId('attachment'),
    connectionId: newId('connection'),
    passkeyId: 'passkey-of-nobody',
    browserSessionId: 'browser-of-nobody',
    secretId: newId('secret'),
    providerId: newId('provider'),
    mcpServerId: newId('mcpServer'),
    deletedProjectId: deleted.id,
    hostId: await addHostRow(server.context.db, { group: owner.orgId }),
    organisationId: newId('org'),
  }
  secrets = Object.values(params)
  Object.assign(params, { terminalId: '0123456789abcdef', port: '3000', n: '1', period: 'month', unit: 'tokens' })
  const budget = { period: 'month', unit: 'money', limit: 50_000_000 }
  const unlimited = { requestsPerMinute: null, tokensPerMinute: null }
  const bodies: Record<string, unknown> = {
    signInWithLink: { token: 'x'.repeat(40) },
    signInWithPassword: { email: 'nobody@example.com', password: 'not this one' },
    signOut: {},
    verifySecondFactor: { code: '123456' },
    startSingleSignOn: { connectionId: newId('connection') },
    signUp: { name: 'Somebody', email: 'somebody@example.com', password: 'correct horse battery' },
    verifyEmail: { token: 'x'.repeat(40) },
    requestPasswordReset: { email: 'nobody@example.com' },
    resetPassword: { token: 'x'.repeat(40), password: 'correct horse battery' },
    updateProfile: { name: 'Another name' },
    enableTwoFactor: { password: 'not this one' },
    confirmTwoFactor: { code: '123456' },
    disableTwoFactor: { password: 'not this one' },
    revokeOtherSessions: {},
    createConnection: { kind: 'oidc', name: 'Works', issuer: 'https://127.0.0.1', clientId: 'a', clientSecret: 'b' },
    updateConnection: { name: 'Work' },
    updateRegistration: { registration: 'invited', allowedDomains: ['example.com'] },
    deactivatePerson: {},
    reactivatePerson: {},
    createServiceAccount: { name: 'CI' },
    setPassword: { next: 'correct horse battery' },
    createApiKey: { name: 'Another' },
    createProject: { name: 'Another', description: 'For tests', repositoryIds: [repositoryId] },
    updateProject: { name: 'Renamed', description: 'New words', model: 'a-model' },
    archiveProject: {},
    unarchiveProject: {},
    deleteProject: { name: 'Not its name' },
    restoreProject: {},
    applyProjectConfig: { yaml: 'version: 1\nguidelines: Be kind\n', dryRun: true },
    createSecret: { name: 'A_TOKEN', value: 'of the organisation' },
    updateSecret: { value: 'another' },
    createProvider: { name: 'Inside', kind: 'openai_compatible', baseUrl: 'https://127.0.0.1/v1' },
    updateProvider: { rank: 1 },
    createMcpServer: { name: 'inside', url: 'https://127.0.0.1/mcp' },
    updateMcpServer: { enabled: false },
    checkMcpServer: {},
    checkProvider: {},
    createOwnProvider: { name: 'Inside', kind: 'openai_compatible', baseUrl: 'https://127.0.0.1/v1' },
    updateOwnProvider: { rank: 1 },
    checkOwnProvider: {},
    setProviderModel: { model: 'a-model', price: null },
    setModelAliases: { items: [{ alias: 'reviewer', models: ['a-model'] }] },
    setModelRules: { models: ['a-model'] },
    setProjectModelRules: { regions: ['eu'] },
    createPlaygroundKey: {},
    createProjectSecret: { name: 'A_TOKEN', value: 'of the project', exposure: 'startup' },
    updateProjectSecret: { value: 'another' },
    createRepository: { name: 'another', source: { kind: 'import', from: 'https://example.invalid/a.git' } },
    createTask: { prompt: 'Add a thing', title: 'A thing', baseBranch: 'main', start: false },
    startTask: {},
    approveSpec: { commit },
    requestSpecChanges: { commit, note: 'Name the unit' },
    approveImplementation: { commit },
    requestImplementationChanges: { note: 'Add a test' },
    retryTask: {},
    moveToBacklog: {},
    archiveTask: {},
    restoreTask: {},
    undoArchive: {},
    sendPrompt: { text: 'Go on', mode: 'steer', attachmentIds: [] },
    editPrompt: { text: 'Go on then' },
    stopTurn: {},
    suspendAgent: {},
    answerPermission: { optionId: 'allow' },
    createCodeComment: { commit, path: 'src/a.ts', side: 'after', line: 1, quote: 'const a', body: 'Why' },
    resolveCodeComment: { resolved: true },
    sendCodeComments: { commentIds: [newId('codeComment')] },
    createComment: {
      revisionId: newId('revision'),
      anchor: { document: 'design', quote: 'words', offset: 0 },
      body: 'Why',
      suggestion: 'other words',
    },
    resolveComment: { resolved: true },
    askAgent: {},
    applySuggestions: { revisionId: newId('revision'), commentIds: [newId('comment')] },
    setReviewers: { userIds: [owner.userId] },
    createSpecLink: { expiresInDays: 7 },
    readPublicSpec: { token: 'x'.repeat(43) },
    rejectSpec: { commit, note: 'Not needed any more' },
    snoozeInboxItem: { until: null },
    readInboxItem: { read: true },
    finishInboxItem: {},
    updateNotifications: {
      choices: Object.fromEntries(inboxKinds.map((kind) => [kind, { email: true, webhook: false, push: true }])),
      reach: 'mine',
      timeZone: 'Europe/Berlin',
      quietHours: { from: '22:00', to: '07:00' },
      mutedProjects: [],
    },
    addPushDevice: {
      endpoint: 'https://push.example.invalid/a',
      keys: { p256dh: 'B'.repeat(87), auth: 'a'.repeat(22) },
      device: 'Firefox',
    },
    setOwnWebhook: { url: 'https://hooks.example.invalid/mine' },
    testNotifications: { channel: 'email' },
    createWebhook: hook,
    updateWebhook: { name: 'Talk', enabled: false },
    rotateWebhookSecret: {},
    testWebhook: {},
    redeliver: {},
    retryMail: {},
    updateOnboarding: { dismissed: true },
    checkProviders: {},
    askRotation: {},
    allowEnrolment: {},
    createOrganisation: { name: 'Another organisation' },
    updateOrganisation: { name: 'Renamed' },
    switchOrganisation: { organisationId: owner.orgId },
    updatePerson: { role: 'owner' },
    leaveOrganisation: {},
    createTeam: { name: 'Reviewers', memberIds: [owner.userId] },
    updateTeam: { name: 'Reviewers too' },
    invitePeople: { emails: ['ada@example.com'], role: 'viewer' },
    readInvitation: { token: 'x'.repeat(40) },
    acceptInvitation: { token: 'x'.repeat(40) },
    setProjectMember: { role: 'reviewer' },
    setProjectVisibility: { visibility: 'organisation' },
    updateHost: { labels: { gpu: 'a100' }, weight: 2 },
    cordonHost: {},
    uncordonHost: {},
    drainHost: {},
    setShare: { weight: 2 },
    updateTask: { expectedVersion: 1, title: 'Another thing', priority: 'high' },
    addDependency: {},
    addAttachment: {},
    bulkTasks: { taskIds: [task.id], change: { action: 'set_priority', priority: 'low' } },
    cloneTask: { projectIds: [project.id] },
    createLabel: { name: 'bug', colour: 'red' },
    updateLabel: { name: 'defect' },
    createSession: { title: 'A try' },
    stopSession: {},
    editSessionPrompt: { text: 'Go on then' },
    stopSessionTurn: {},
    answerSessionPermission: { optionId: 'allow' },
    renameSession: { title: 'Another try' },
    suspendSession: {},
    resumeSession: {},
    promptSession: { text: 'Go on' },
    forkCheckpoint: {},
    clipRecording: { sessionId, fromMs: 1, toMs: 2, caption: 'It works' },
    execCommand: { command: 'true', cwd: '/workspace' },
    openTerminal: { name: 'Build' },
    openDesktop: {},
    sharePort: { shared: false },
    createView: { name: 'Mine', query: 'filter=x' },
    createTemplate: { name: 'Fix', prompt: 'Fix it' },
    ...Object.fromEntries(['setBudget', 'setProjectBudget', 'setTaskBudget', 'setSessionBudget'].map((name) => [name, budget])),
    setRateLimits: { organisation: unlimited, key: unlimited, session: { requestsPerMinute: 60, tokensPerMinute: 100_000 } },
  }
  const queries: Record<string, Record<string, string>> = {
    getTree: { path: 'src', ref: 'main' },
    getFile: { path: 'README.md', ref: 'main' },
    listCommits: { path: 'src', ref: 'main', cursor: commit },
    listProjects: { cursor: project.id },
    listRepositories: { cursor: repositoryId },
    listTasks: { cursor: '1' },
    findTaskPaths: { query: 'src' },
    listFiles: { path: '/workspace' },
  }
  asked = Object.fromEntries(
    endpoints.map(([name, { method }]) => {
      if (method !== 'GET' && method !== 'DELETE' && bodies[name] === undefined) throw new Error(`write a valid body for ${name}`)
      return [name, { params, query: queries[name] ?? {}, body: bodies[name] }]
    }),
  )
})
afterAll(() => server[Symbol.asyncDispose]())

const request = (name: string): Asked => asked[name] ?? { params: {} }

describe.each(endpoints.filter(([, { permission }]) => permission !== 'public'))('%s', (name, endpoint) => {
  test('is closed to who brings no key, a wrong key, or a service’s', async () => {
    for (const token of [null, 'hx_wrong', `hx_${'0'.repeat(40)}`, testTokens.worker, testTokens.runner]) {
      const answer = await send(server.url, endpoint, request(name), token)
      expect([token, answer.status, answer.body.error?.code]).toEqual([token, 401, 'not_signed_in'])
    }
  })

  test('shows and changes nothing of another organisation', async () => {
    const answer = await send(server.url, endpoint, request(name), stranger.apiKey)
    if (endpoint.path.includes(':')) expect([answer.status, answer.body.error?.code]).toEqual([404, 'not_found'])
    const told = JSON.stringify(request(name).body ?? null)
    for (const secret of secrets.filter((id) => !told.includes(id))) expect(answer.text).not.toContain(secret)
  })
})

/** Somebody of the owner's organisation with this role, and a key. */
async function memberOf(role: Role): Promise<string> {
  const userId = newId('user')
  const { db } = server.context
  await db('users').insert({ id: userId, email: `${userId}@example.com`, name: role })
  await db('memberships').insert({ org_id: owner.orgId, user_id: userId, role })
  return (await new IdentityStore(db).createApiKey(owner.orgId, userId, role)).secret
}

test('every endpoint answers every role as the table says, and is not there for who may not see the project', async () => {
  expect([...weakestRole.keys()].toSorted()).toEqual(endpoints.map(([name]) => name).toSorted())
  const keys = new Map<Role, string>()
  for (const role of roles) keys.set(role, await memberOf(role))
  let pairs = 0
  for (const [name, endpoint] of endpoints) {
    const weakest = weakestRole.get(name) ?? 'owner'
    for (const role of roles.toReversed()) {
      const may = weakest === 'public' || roles.indexOf(role) <= roles.indexOf(weakest)
      if (may && endsThings.has(name)) continue
      pairs += 1
      const { status, body } = await send(server.url, endpoint, request(name), keys.get(role) ?? '')
      const refused = body.error?.details?.needed !== undefined
      const told = may ? [refused, status === 401 && weakest !== 'public'] : [status, body.error?.details]
      expect([name, role, ...told]).toEqual([
        name,
        role,
        ...(may ? [false, false] : [403, { needed: weakest, role, permission: endpoint.permission }]),
      ])
    }
  }
  await server.context.db('projects').where({ org_id: owner.orgId }).update({ visibility: 'private' })
  const outside = await memberOf('member')
  for (const [name, endpoint] of endpoints) {
    if (!/:(projectId|taskId|sessionId|repositoryId)/.test(endpoint.path)) continue
    pairs += 1
    const { status, body } = await send(server.url, endpoint, request(name), outside)
    expect([name, status, body.error?.code]).toEqual([name, 404, 'not_found'])
  }
  await server.context.db('projects').where({ org_id: owner.orgId }).update({ visibility: 'organisation' })
  // The other tests count on one owner, who cannot be removed.
  await server.context.db('memberships').where({ org_id: owner.orgId }).whereNot({ user_id: owner.userId }).delete()
  // With the two walks above: who brings no key, and another organisation.
  console.info(`access table: ${pairs + endpoints.length * 2} pairs of endpoint and role checked, ${endpoints.length} endpoints`)
}, 120_000)

test.each(internals)('%s of the internal API is closed to people and to the other service', async (_, endpoint) => {
  const other = endpoint.permission === 'worker' ? testTokens.runner : testTokens.worker
  for (const token of [null, owner.apiKey, other])
    expect((await send(server.url, endpoint, { params: {}, body: {} }, token)).status).toBe(401)
})

/** The same value with one of its strings replaced, once for each string in it. */
function* broken(value: unknown, nonsense: string): Generator<unknown> {
  if (typeof value === 'string') yield nonsense
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value))
    for (const one of broken(inner, nonsense)) yield Array.isArray(value) ? value.with(Number(key), one) : { ...value, [key]: one }
}

const nonsense = ['a\u0000b', '\ud800', '../../../etc/passwd', "'; drop table spec_tasks; --", 'x'.repeat(5000), '']

describe.each(endpoints)('%s', (name, endpoint) => {
  test('answers nonsense in any text with a clear error or takes it as text, and never breaks', async () => {
    const { params: all, query = {}, body } = request(name)
    const params = Object.fromEntries(Object.entries(all).filter(([key]) => endpoint.path.includes(`:${key}`)))
    for (const text of nonsense) {
      const requests = [
        ...[...broken(body, text)].map((one) => ({ params, query, body: one })),
        ...[...broken(query, text)].map((one) => ({ params, query: one as Record<string, string>, body })),
        ...(endpoint.path.includes(':') && text !== ''
          ? [...broken(params, text.replace('\ud800', '\ufffd'))].map((one) => ({ params: one as Record<string, string>, query, body }))
          : []),
      ]
      for (const one of requests) {
        const { status, body: answer } = await send(server.url, endpoint, one, owner.apiKey)
        expect(status, JSON.stringify({ one, answer }).slice(0, 500)).toSatisfy(
          // The session of these requests has no machine.
          (code: number) => code < 500 || code === 502 || answer.error?.code === 'machine_unavailable',
        )
        if (status >= 400) expect(answer.error).toMatchObject({ code: expect.any(String), requestId: expect.stringMatching(/\S/) })
      }
    }
  })
})

test('a prompt of 10 MB is refused as too large, one over the limit names the field', async () => {
  const [, endpoint] = endpoints.find(([name]) => name === 'createTask') ?? []
  if (endpoint === undefined) throw new Error('no createTask')
  const ask = (prompt: string) => send(server.url, endpoint, { ...request('createTask'), body: { prompt } }, owner.apiKey)
  const huge = await ask('x'.repeat(10 * 1024 * 1024))
  expect([huge.status, huge.body.error?.code]).toEqual([413, 'too_large'])
  const long = await ask('x'.repeat(promptMaxLength + 1))
  expect([long.status, Object.keys(long.body.error?.details?.fields ?? {})]).toEqual([400, ['prompt']])
  expect((await ask('x'.repeat(promptMaxLength))).status).toBe(200)
})

test('a NUL or a lone surrogate in a prompt is named with its field', async () => {
  const [, endpoint] = endpoints.find(([name]) => name === 'createTask') ?? []
  if (endpoint === undefined) throw new Error('no createTask')
  for (const prompt of ['a\u0000b', 'a\ud800']) {
    const answer = await send(server.url, endpoint, { ...request('createTask'), body: { prompt } }, owner.apiKey)
    expect(answer.status).toBe(400)
    expect(answer.body.error?.details?.fields).toEqual({ prompt: 'contains NUL or a lone surrogate: remove it' })
  }
})

test('a page of another site cannot use a person’s cookie', async () => {
  const [, endpoint] = endpoints.find(([name]) => name === 'archiveTask') ?? []
  const path = endpoint?.path.replace(':taskId', request('archiveTask').params.taskId ?? '') ?? ''
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { cookie: 'helix_session=anything', origin: 'https://elsewhere.example', 'content-type': 'application/json' },
    body: '{}',
  })
  expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([403, 'cross_site'])
})
