import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { newId } from '../context.ts'
import type { EventBus } from '../events/bus.ts'
import { defaultMaxPushBytes } from './environment.ts'
import { createGit } from './plumbing.ts'
import type { GitPort } from './port.ts'
import { createPushLog, type PushListener, type PushLog } from './push-log.ts'
import { createGitStorage, type GitStorage, prepareGitStorage } from './storage.ts'

export interface OpenGitInput {
  config: Pick<Config, 'HELIX_DATA_DIR' | 'executablePath'>
  db: Knex
  log: Pick<Logger, 'warn' | 'error'>
  bus: EventBus
  outbox: { nudge(): void }
  listeners: readonly PushListener[]
}

export interface OpenGit extends AsyncDisposable {
  git: GitPort
  gitStorage: GitStorage
  pushes: PushLog
}

/** Everything about git that the context holds. Throws when git is missing or too old. */
export async function openGit(input: OpenGitInput): Promise<OpenGit> {
  const { config, db, log, bus, outbox, listeners } = input
  const gitStorage = createGitStorage({
    dataDir: config.HELIX_DATA_DIR,
    executablePath: config.executablePath,
    maxPushBytes: defaultMaxPushBytes,
  })
  await prepareGitStorage(gitStorage)
  const newPushId = () => newId('push')
  const pushes = createPushLog({
    storage: gitStorage,
    db,
    log,
    newPushId,
    listeners,
    committed: (orgId) => {
      bus.wake(orgId)
      outbox.nudge()
    },
  })
  const git = createGit({ storage: gitStorage, newPushId, flush: pushes.flush })
  return { git, gitStorage, pushes, [Symbol.asyncDispose]: () => pushes[Symbol.asyncDispose]() }
}
