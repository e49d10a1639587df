import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OrgId, RepositoryId, SessionId, UserId } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'
import express from 'express'
import type { Knex } from 'knex'
import { pino } from 'pino'
import { type Context, newId } from '../context.ts'
import { openTestDatabase } from '../db/testing.ts'
import { EventBus } from '../events/bus.ts'
import { errorHandler } from '../http/errors.ts'
import { requestLog } from '../http/request.ts'
import { hashSecret, newSecret } from '../identity/hashing.ts'
import { mintSessionToken } from '../identity/tokens.ts'
import { createRepositoryFrom } from '../repositories/creation.ts'
import { repositoryRoutes } from '../repositories/routes.ts'
import { createGit } from './plumbing.ts'
import { createPushLog, type PushListener, type PushLog } from './push-log.ts'
import { gitRoutes } from './routes.ts'
import { openTestFolder, openTestStorageIn } from './testing.ts'

export interface TestPerson {
  orgId: OrgId
  slug: string
  userId: UserId
  key: string
}

/** A control plane of git alone, over a real http server and a real database. */
export interface TestServer extends AsyncDisposable {
  context: Context & { pushes: PushLog }
  db: Knex
  folder: string
  url: string
  person(role?: Role, org?: TestPerson): Promise<TestPerson>
  repository(person: TestPerson, name: string, kind?: 'sample' | 'empty'): Promise<RepositoryId>
  /** A session of a task of a project that has this repository first. */
  session(person: TestPerson, repositoryId: RepositoryId, branch: string): Promise<{ sessionId: SessionId; token: string }>
  cloneUrl(person: Pick<TestPerson, 'slug'>, name: string, token: string): string
}

export interface TestServerInput {
  listeners?: readonly PushListener[]
  /** Instead of an empty database and folder of its own: those of a server that died. */
  database?: { db: Knex } & AsyncDisposable
  folder?: { path: string } & AsyncDisposable
}

export async function openTestServer({ listeners = [], ...given }: TestServerInput = {}): Promise<TestServer> {
  const folder = given.folder ?? (await openTestFolder())
  const database = given.database ?? (await openTestDatabase())
  const { db } = database
  const log = pino({ level: process.env.LOG_LEVEL ?? 'silent' })
  const bus = new EventBus()
  const gitStorage = await openTestStorageIn(folder.path)
  const config = { HELIX_DATA_DIR: gitStorage.settings.dataDir, HELIX_ALLOW_LOCAL_IMPORT: '1' } as Context['config']
  const newPushId = () => newId('push')
  const pushes = createPushLog({ storage: gitStorage, db, log, newPushId, listeners, sweepMs: 200 })
  const git = createGit({ storage: gitStorage, newPushId, flush: pushes.flush })
  const context = { config, db, log, bus, newId, git, gitStorage, pushes } as unknown as TestServer['context']
  const app = express()
    .use(requestLog(log, () => undefined))
    .use('/git', gitRoutes(context))
    .use(repositoryRoutes(context))
    .use(errorHandler(log))
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    context,
    db,
    folder: folder.path,
    url: `http://127.0.0.1:${port}`,
    person: (role = 'owner', org) => insertPerson(db, role, org),
    repository: async (person, name, kind = 'sample') => (await createRepositoryFrom(context, person.orgId, { name, source: { kind } })).id,
    session: (person, repositoryId, branch) => insertSession(db, person, repositoryId, branch),
    cloneUrl: (person, name, token) => `http://helix:${token}@127.0.0.1:${port}/git/${person.slug}/${name}.git`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await pushes[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function insertPerson(db: Knex, role: Role, org?: TestPerson): Promise<TestPerson> {
  const userId = newId('user')
  const orgId = org?.orgId ?? newId('org')
  const slug = org?.slug ?? `o${orgId.slice(-8)}`
  const key = newSecret('hx_')
  await db('users').insert({ id: userId, email: `${userId}@example.com`, name: 'Ada' })
  if (org === undefined) await db('organisations').insert({ id: orgId, slug, name: slug })
  await db('memberships').insert({ org_id: orgId, user_id: userId, role })
  await db('api_keys').insert({
    id: newId('apiKey'),
    org_id: orgId,
    user_id: userId,
    name: 'k',
    prefix: 'hx_',
    secret_hash: hashSecret(key),
  })
  return { orgId, slug, userId, key }
}

async function insertSession(db: Knex, person: TestPerson, repositoryId: RepositoryId, branch: string) {
  const org_id = person.orgId
  const projectId = newId('project')
  const taskId = newId('task')
  const sessionId = newId('session')
  await db('projects').insert({
    id: projectId,
    org_id,
    name: 'p',
    description: '',
    agent_runtime: 'goose_code',
    planning_limit: 3,
    implementing_limit: 3,
  })
  await db('project_repositories').insert({ project_id: projectId, repository_id: repositoryId, position: 0 })
  await db('spec_tasks').insert({
    id: taskId,
    org_id,
    project_id: projectId,
    number: 1,
    slug: 's',
    title: 't',
    prompt: 'p',
    status: 'planning',
    activity: '',
    agent_runtime: 'goose_code',
    demo: false,
    just_do_it: false,
    base_branch: 'main',
    branch,
    created_by: person.userId,
  })
  await db('agent_sessions').insert({
    id: sessionId,
    org_id,
    project_id: projectId,
    task_id: taskId,
    state: 'running',
    agent_runtime: 'goose_code',
    demo: false,
    started_by: person.userId,
  })
  return { sessionId, token: await mintSessionToken(db, { orgId: org_id, sessionId, epoch: 1 }) }
}
