import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '../config.ts'
import { say } from '../setup/progress.mjs'
import type { Figures } from './figures.ts'

/** Units: milliseconds. */
const deadlineMs = 30 * 60_000

interface Start {
  /** Units: seconds to the first 200 of `/readyz`. */
  ready: number
  stop(): Promise<void>
}

/** Every cache of this user's is left aside: npm's, Go's and Helix's own. */
function withoutCaches(folder: string): NodeJS.ProcessEnv {
  return {
    XDG_CACHE_HOME: join(folder, 'cache'),
    npm_config_cache: join(folder, 'npm'),
    GOPATH: join(folder, 'go'),
    GOCACHE: join(folder, 'go-build'),
    GOFLAGS: '-modcacherw',
    HELIX_TEMPORAL_BIN: '',
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()))
}

/** `npm start` in the clone, timed until the control plane is ready. */
async function start(clone: string, env: NodeJS.ProcessEnv, port: number): Promise<Start> {
  const begun = Date.now()
  const child = spawn('npm', ['start'], {
    cwd: clone,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  let said = ''
  child.stdout?.on('data', (chunk) => {
    said = (said + chunk).slice(-4000)
  })
  const gone = ended(child)
  while (Date.now() - begun < deadlineMs && child.exitCode === null) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (response) => response.ok,
      () => false,
    )
    if (ready) {
      const seconds = (Date.now() - begun) / 1000
      const stop = async (): Promise<void> => {
        // As Ctrl-C does it: the whole process group at once.
        process.kill(-(child.pid ?? 0), 'SIGINT')
        await gone
      }
      return { ready: seconds, stop }
    }
    await sleep(50)
  }
  throw new Error(`npm start did not become ready:\n${said}`)
}

const images = ['helix-session:dev', 'helix-session-system:dev', 'helix-session-programs:dev', 'helix-session-builder:dev']

/**
 * A fresh clone of what is committed, started with nothing cached, stopped, and started again. Debian's own packages (docker.io, mmdebstrap)
 * stay installed where they are: a bare machine adds their download.
 */
export async function bench(): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'helix-start-'))
  const port = randomInt(200, 500) * 100
  const ports = { PORT: port, TEMPORAL_PORT: port + 1, TEMPORAL_UI_PORT: port + 2, METRICS_PORT: port + 3 }
  const env = { ...withoutCaches(folder), ...Object.fromEntries(Object.entries(ports).map(([name, value]) => [name, String(value)])) }
  const clone = join(folder, 'clone')
  try {
    execFileSync('git', ['clone', '-q', root, clone])
    execFileSync('docker', ['rmi', '--force', ...images], { stdio: 'ignore' })
    const first = await start(clone, env, port)
    say(`nothing cached: ready after ${first.ready.toFixed(1)} s`)
    // The first start goes on to its sample project; a user does not leave before.
    await sleep(10_000)
    await first.stop()
    const second = await start(clone, env, port)
    say(`second time: ready after ${second.ready.toFixed(1)} s`)
    await second.stop()
    return {
      'first start, nothing cached': { value: first.ready / 60, unit: 'min', bar: 10 },
      'second start to /readyz': { value: second.ready, unit: 's', bar: 6 },
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
