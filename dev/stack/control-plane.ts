import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Call, createClient } from '@helix/contract/client'
import { createApiKey } from '@helix/contract/identity'
import { root } from '../config.ts'
import { administrator, signInLink } from './administrator.ts'
import { freePort } from './ports.ts'

/** Units: milliseconds. */
const deadlineMs = 120_000

export interface ControlPlane extends AsyncDisposable {
  url: string
  pid: number
  /** The API as the administrator, by a key. */
  call: Call
  key: string
  /** A fresh one-time link that signs the administrator's browser in. */
  link(): Promise<string>
}

async function untilAlive(url: string, child: ChildProcess): Promise<boolean> {
  const end = Date.now() + deadlineMs
  while (Date.now() < end && child.exitCode === null) {
    const alive = await fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    )
    if (alive) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

/**
 * The control plane with its pages in a process and a temporary folder of its own, without Temporal and without sandboxes: tasks stay where they
 * are. `env` may name DATABASE_URL, with HELIX_ENCRYPTION_KEY where the database is used twice; without it the embedded database is used.
 */
export async function openControlPlane(env: NodeJS.ProcessEnv = {}, flags: string[] = []): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'helix-plane-'))
  const port = await freePort()
  const [encryptionKey, runnerToken, workerToken] = [1, 2, 3].map(() => randomBytes(32).toString('hex')) as [string, string, string]
  const { DATABASE_URL, ...passed } = process.env
  const logFile = join(folder, 'log')
  const log = openSync(logFile, 'a')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...flags, 'web/server/main.ts'], {
    cwd: root,
    env: {
      ...passed,
      NODE_ENV: 'production',
      MALLOC_ARENA_MAX: '2',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      LOG_LEVEL: 'warn',
      METRICS_PORT: '0',
      HELIX_ENCRYPTION_KEY: encryptionKey,
      ...env,
      PORT: String(port),
      HELIX_DATA_DIR: folder,
      HELIX_RUNNER_TOKEN: runnerToken,
      HELIX_WORKER_TOKEN: workerToken,
    },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const dispose = async (): Promise<void> => {
    const gone = once(child, 'exit')
    if (child.exitCode === null && child.kill()) await gone
    rmSync(folder, { recursive: true, force: true })
  }
  const url = `http://localhost:${port}`
  const secrets = { encryptionKey, runnerToken, workerToken, installation: '' }
  try {
    if (!(await untilAlive(url, child)))
      throw new Error(`the control plane did not come up:\n${readFileSync(logFile, 'utf8').slice(-2000)}`)
    const admin = await administrator({ url, secrets })
    const { secret: key } = await admin(createApiKey, { body: { name: 'bench' } })
    const call = createClient({ baseUrl: url, token: key })
    return { url, pid: child.pid ?? 0, call, key, link: () => signInLink({ url, secrets }), [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
