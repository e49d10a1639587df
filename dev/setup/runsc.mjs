import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache.mjs'
import { run, which } from './run.mjs'

/** Newer ones and `@go` are not served by the module proxy. */
const version = 'v0.0.0-20260905035102-160fafc42237'
const module = 'gvisor.dev/gvisor/runsc'
const folder = join(cacheFolder, `runsc-${version}`)
const cached = join(folder, 'runsc')

/** For the inner Docker engine: its containers reach the network over packet sockets of the session. */
const flags = ['--net-raw', '--allow-packet-socket-write']

async function build(go) {
  const work = join(cacheFolder, `runsc-build-${process.pid}`)
  mkdirSync(work, { recursive: true })
  const inside = { cwd: work, env: { CGO_ENABLED: '0' }, timeoutMs: 3_600_000 }
  try {
    await run(go, ['mod', 'init', 'runsc-build'], inside)
    await run(go, ['get', `${module}@${version}`], inside)
    await run('nice', ['-n', '10', go, 'build', '-trimpath', '-o', 'runsc', module], inside)
    mkdirSync(folder, { recursive: true })
    renameSync(join(work, 'runsc'), cached)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/**
 * gVisor's `runsc`: from PATH, from the cache, or built once with Go where HELIX_RUNSC=1 asks for it (two minutes of two cores). Null: none, and sessions
 * stand on another rung.
 */
export async function findRunsc(note) {
  if (process.platform !== 'linux') return null
  const found = which('runsc')
  if (found !== null) return found
  if (existsSync(cached)) return cached
  if (process.env.HELIX_RUNSC !== '1') return null
  const go = which('go')
  if (go === null) throw new Error('HELIX_RUNSC=1 builds gVisor: install Go 1.26 or newer, or put runsc on PATH')
  note('building gVisor with Go, once (about 2 minutes on two cores)')
  await build(go)
  return cached
}

/** Arguments that make a Docker engine know `runsc`; flags cannot be given to a runtime on the command line, hence a script in front of it. */
export async function runscArguments(note) {
  const runsc = await findRunsc(note)
  if (runsc === null) return []
  const script = join(cacheFolder, 'runsc-for-docker')
  writeFileSync(script, `#!/bin/sh\nexec '${runsc}' ${flags.join(' ')} "$@"\n`, { mode: 0o755 })
  return ['--add-runtime', `runsc=${script}`]
}
