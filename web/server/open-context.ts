import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { type Context, newId } from './context.ts'
import { openDatabase } from './db/database.ts'
import { migrateUp } from './db/migrate.ts'
import { StreamTickets } from './desktop/tickets.ts'
import { EventBus } from './events/bus.ts'
import { hearOtherProcesses } from './events/notifications.ts'
import { openBudgets } from './gateway/budgets/open.ts'
import { openCatalogue } from './gateway/catalogue/open.ts'
import { createProviders } from './gateway/providers.ts'
import { openGateway } from './gateway/wiring.ts'
import { defaultMaxPushBytes } from './git/environment.ts'
import { createGit } from './git/plumbing.ts'
import type { GitPort } from './git/port.ts'
import { createPushLog, type PushLog } from './git/push-log.ts'
import { createGitStorage, prepareGitStorage } from './git/storage.ts'
import { HealthMonitor } from './health/monitor.ts'
import { HostLogs } from './hosts/logs/logs.ts'
import { MachineUse } from './machine/store.ts'
import { createRelays } from './notifications/relay.ts'
import { OutboxRelay } from './outbox/relay.ts'
import { Pictures } from './pictures/pictures.ts'
import { removeLeftovers } from './repositories/creation.ts'
import { requireSealingKeys } from './secrets/installation/store.ts'
import { sealingKeysOf } from './secrets/seal.ts'
import { taskPushListener } from './tasks/pushes.ts'
import { TemporalClient } from './temporal.ts'
import { Tunnels } from './tunnels/tunnels.ts'

/** Everything the process owns, in the order of need; disposed in the reverse order. */
export async function openContext(config: Config, log: Logger): Promise<Context & AsyncDisposable> {
  const dataDir = resolve(config.HELIX_DATA_DIR)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const stack = new AsyncDisposableStack()
  const database = stack.use(await openDatabase(config.DATABASE_URL, dataDir))
  const { db } = database
  await migrateUp(db)
  const sealing = sealingKeysOf(config.HELIX_ENCRYPTION_KEY)
  await requireSealingKeys({ db, sealing })
  const temporal = stack.use(new TemporalClient(config, db))
  const outbox = stack.use(new OutboxRelay(db, temporal, log))
  const bus = new EventBus()
  stack.use(hearOtherProcesses(database.url, bus, log))
  const gitStorage = createGitStorage({ dataDir, executablePath: config.executablePath, maxPushBytes: defaultMaxPushBytes })
  await prepareGitStorage(gitStorage)
  const committed = (orgId: Parameters<EventBus['wake']>[0]): void => {
    bus.wake(orgId)
    outbox.nudge()
  }
  const git: GitPort = createGit({ storage: gitStorage, newPushId: () => newId('push'), flush: (repo) => pushes.flush(repo) })
  const pushes: PushLog = stack.use(
    createPushLog({ storage: gitStorage, db, log, newPushId: () => newId('push'), listeners: [taskPushListener(git)], committed }),
  )
  const { mail, deliveries, pings } = createRelays({ db, log, config, sealing })
  for (const relay of [mail, deliveries, pings]) stack.use(relay)
  const { hear } = database
  const budgets = stack.use(openBudgets({ db, bus, outbox, log, hear, frontendUrl: config.frontendUrl }))
  const catalogue = stack.use(openCatalogue({ config, db, sealing, bus, log }))
  const gateway = stack.use(openGateway({ db, log, catalogue, holds: budgets.holds, hear }))
  const providers = createProviders(catalogue, gateway.translate)
  const looked = { config, db, dialect: database.dialect, bus, temporal, gitStorage, providers, mail }
  const health = stack.use(new HealthMonitor(looked, log))
  const tunnels = stack.use(new Tunnels(db, config, log))
  const context: Context = {
    config,
    log,
    db,
    dialect: database.dialect,
    bus,
    temporal,
    outbox,
    mail,
    deliveries,
    pings,
    git,
    gitStorage,
    pushes,
    providers,
    gateway,
    catalogue,
    sealing,
    health,
    tunnels,
    hostLogs: new HostLogs(tunnels, config),
    pictures: stack.use(new Pictures(db, config, log)),
    streamTickets: new StreamTickets(sealing),
    use: new MachineUse(db, (error) => log.warn({ err: error }, 'the use of machines is not written')),
    streams: new AbortController(),
    newId,
  }
  await removeLeftovers(context)
  await pushes.reconcileAll()
  outbox.start()
  for (const relay of [mail, deliveries, pings]) relay.start()
  health.start()
  budgets.start()
  return { ...context, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
