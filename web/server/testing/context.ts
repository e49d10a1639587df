import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OrgId, UserId } from '@helix/contract/ids'
import type { TaskRequest, TaskVerdict } from '@helix/workflows/messages'
import { pino } from 'pino'
import { parseConfig } from '../config.ts'
import { type Context, newId } from '../context.ts'
import { openTestDatabase } from '../db/testing.ts'
import { StreamTickets } from '../desktop/tickets.ts'
import { EventBus } from '../events/bus.ts'
import { hearOtherProcesses } from '../events/notifications.ts'
import { openBudgets } from '../gateway/budgets/open.ts'
import { openCatalogue } from '../gateway/catalogue/open.ts'
import { createProviders } from '../gateway/providers.ts'
import { openGateway } from '../gateway/wiring.ts'
import { createGit } from '../git/plumbing.ts'
import type { GitPort } from '../git/port.ts'
import { createPushLog, type PushLog } from '../git/push-log.ts'
import { createGitStorage, prepareGitStorage } from '../git/storage.ts'
import { HealthMonitor } from '../health/monitor.ts'
import { HostLogs } from '../hosts/logs/logs.ts'
import type { Actor } from '../http/mount.ts'
import { MachineUse } from '../machine/store.ts'
import { createRelays } from '../notifications/relay.ts'
import { OutboxRelay } from '../outbox/relay.ts'
import { Pictures } from '../pictures/pictures.ts'
import { sealingKeysOf } from '../secrets/seal.ts'
import { taskPushListener } from '../tasks/pushes.ts'
import type { TemporalPort } from '../temporal.ts'
import type { QueueFacts, Retries } from '../temporal-health.ts'
import { Tunnels } from '../tunnels/tunnels.ts'

/** Temporal's port by hand: remembers what was asked and says yes, unless told otherwise. */
export class RecordingTemporal implements TemporalPort {
  readonly started: string[] = []
  readonly requests: TaskRequest[] = []
  readonly signals: { taskId: string; signal: string; payload: unknown }[] = []
  readonly sessionSignals: { sessionId: string; signal: string; payload: unknown }[] = []
  readonly told: { sessionId: string; taskId: string | null; signal: string; payload: unknown }[] = []
  /** Thrown by every call while set. */
  failure: Error | null = null
  queueFacts: QueueFacts[] = [{ queue: 'helix', kind: 'workflow', pollers: 1, backlog: 0 }]
  verdict: TaskVerdict = { accepted: true, status: 'queued_planning', code: null, reason: null }

  async startTask(taskId: string): Promise<void> {
    if (this.failure) throw this.failure
    this.started.push(taskId)
  }
  async requestTask(_taskId: string, request: TaskRequest): Promise<TaskVerdict> {
    if (this.failure) throw this.failure
    this.requests.push(request)
    return this.verdict
  }
  async signalTask(taskId: string, signal: string, payload: unknown): Promise<void> {
    if (this.failure) throw this.failure
    this.signals.push({ taskId, signal, payload })
  }
  async signalSession(sessionId: string, signal: string, payload: unknown): Promise<void> {
    this.sessionSignals.push({ sessionId, signal, payload })
  }
  async tellSession(sessionId: string, taskId: string | null, signal: string, payload: unknown): Promise<void> {
    if (this.failure) throw this.failure
    this.told.push({ sessionId, taskId, signal, payload })
  }
  async check(): Promise<void> {
    if (this.failure) throw this.failure
  }
  async serverVersion(): Promise<string> {
    if (this.failure) throw this.failure
    return '1.0.0'
  }
  async queues(): Promise<QueueFacts[]> {
    if (this.failure) throw this.failure
    return this.queueFacts
  }
  async retries(): Promise<Retries> {
    if (this.failure) throw this.failure
    return { items: [], looked: 0, more: false }
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

export const testTokens = { runner: 'r'.repeat(40), worker: 'w'.repeat(40) }

export type TestContext = Context & AsyncDisposable & { recorded: RecordingTemporal }

/** A real database, real git in a temporary folder, and a Temporal that only remembers. */
export async function openTestContext(env: NodeJS.ProcessEnv = {}): Promise<TestContext> {
  const database = await openTestDatabase()
  const dataDir = mkdtempSync(join(tmpdir(), 'hx-data-'))
  const config = parseConfig({
    HELIX_DATA_DIR: dataDir,
    HELIX_ENCRYPTION_KEY: 'e'.repeat(64),
    HELIX_RUNNER_TOKEN: testTokens.runner,
    HELIX_WORKER_TOKEN: testTokens.worker,
    PATH: process.env.PATH,
    ...env,
  })
  const { db, dialect } = database
  const log = pino({ level: 'silent' })
  const bus = new EventBus()
  const others = hearOtherProcesses(database.url, bus, log)
  const recorded = new RecordingTemporal()
  const gitStorage = createGitStorage({ dataDir, executablePath: process.env.PATH, maxPushBytes: 1024 ** 3 })
  await prepareGitStorage(gitStorage)
  const git: GitPort = createGit({ storage: gitStorage, newPushId: () => newId('push'), flush: (repo) => pushes.flush(repo) })
  const pushes: PushLog = createPushLog({
    storage: gitStorage,
    db,
    log,
    newPushId: () => newId('push'),
    listeners: [taskPushListener(git)],
  })
  const outbox = new OutboxRelay(db, recorded, log)
  const dispose = async (): Promise<void> => {
    pictures[Symbol.dispose]()
    await gateway[Symbol.asyncDispose]()
    await budgets[Symbol.asyncDispose]()
    catalogue[Symbol.dispose]()
    await tunnels[Symbol.asyncDispose]()
    await relays.mail[Symbol.asyncDispose]()
    await outbox[Symbol.asyncDispose]()
    await pushes[Symbol.asyncDispose]()
    await others[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
    rmSync(dataDir, { recursive: true, force: true })
  }
  const sealing = sealingKeysOf(config.HELIX_ENCRYPTION_KEY)
  const catalogue = openCatalogue({ config, db, sealing, bus, log })
  const budgets = openBudgets({ db, bus, outbox, log, hear: database.hear, frontendUrl: config.frontendUrl })
  const gateway = openGateway({ db, log, catalogue, holds: budgets.holds, hear: database.hear })
  const providers = createProviders(catalogue, gateway.translate)
  // Not started: a test sweeps when it is about them.
  const relays = createRelays({ db, log, config, sealing })
  const parts = {
    config,
    log,
    db,
    dialect,
    bus,
    temporal: recorded,
    outbox,
    git,
    gitStorage,
    pushes,
    providers,
    catalogue,
    gateway,
    sealing,
    ...relays,
  }
  const health = new HealthMonitor(parts, log)
  const tunnels = new Tunnels(db, config, log)
  const use = new MachineUse(db, (error) => log.warn({ err: error }, 'the use of machines is not written'))
  const hostLogs = new HostLogs(tunnels, config)
  const pictures = new Pictures(db, config, log)
  return {
    ...parts,
    health,
    recorded,
    tunnels,
    hostLogs,
    pictures,
    use,
    streamTickets: new StreamTickets(sealing),
    streams: new AbortController(),
    newId,
    [Symbol.asyncDispose]: dispose,
  }
}

/** An organisation with one owner. */
export async function seedOrg(context: Context): Promise<{ orgId: OrgId; userId: UserId; actor: Actor }> {
  const orgId = newId('org')
  const userId = newId('user')
  await context.db('organisations').insert({ id: orgId, slug: orgId.slice(-12), name: 'Test' })
  await context.db('users').insert({ id: userId, email: `${userId}@example.com`, name: 'Test Person' })
  await context.db('memberships').insert({ org_id: orgId, user_id: userId, role: 'owner' })
  return {
    orgId,
    userId,
    actor: { userId, userName: 'Test Person', orgId, orgRole: 'owner', role: 'owner', via: 'cookie', scopes: null, projectId: null },
  }
}
