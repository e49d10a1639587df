import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache.mjs'
import { installPackages, isDebian, isRoot } from './debian.mjs'
import { step } from './progress.mjs'
import { run, which } from './run.mjs'
import { runscArguments } from './runsc.mjs'

const pidFile = '/var/run/docker.pid'

async function answers() {
  if (which('docker') === null) return false
  return run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: 10_000 }).then(
    () => true,
    () => false,
  )
}

async function hasUserNamespaces() {
  return run('unshare', ['--user', '--map-root-user', 'true'], { timeoutMs: 5000 }).then(
    () => true,
    () => false,
  )
}

/** Units: milliseconds. An engine that ends stops its containers first. */
const endingMs = 60_000

/** An engine that is told to end answers no more and keeps the next from starting: it is waited for, as is one that only begins. */
async function engineUnderWay(note) {
  const until = Date.now() + endingMs
  for (let told = false; Date.now() < until; told = true) {
    const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : Number.NaN
    if (!existsSync(`/proc/${pid}`)) return
    if (await answers()) return
    if (!told) note('an engine is beginning or ending: waiting for it')
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

/** Starts dockerd in a process group of its own, so that Ctrl-C ends sessions before it ends the engine. */
async function startEngine(args) {
  mkdirSync(cacheFolder, { recursive: true })
  const logFile = join(cacheFolder, 'dockerd.log')
  const log = openSync(logFile, 'a')
  const engine = spawn(which('dockerd'), args, { detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  let ended = false
  engine.on('exit', () => {
    ended = true
  })
  engine.unref()
  for (let attempt = 0; attempt < 120; attempt++) {
    if (await answers()) return engine
    if (ended) break
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  const said = readFileSync(logFile, 'utf8').trim().split('\n')
  throw new Error(`dockerd does not start: ${said.findLast((line) => /failed|error/.test(line)) ?? said.at(-1)} (${logFile})`)
}

/**
 * Makes sure a Docker engine answers. Returns what ends an engine that this command started; one that ran before is left alone. When none
 * can be had it returns the reason: the control plane runs without one and says what is missing.
 */
export async function ensureDocker() {
  try {
    return await step('Docker engine', async (note) => {
      if (await answers()) return { problem: null, dispose: async () => {} }
      if (process.env.DOCKER_HOST) throw new Error(`no engine answers at DOCKER_HOST=${process.env.DOCKER_HOST}`)
      if (!isRoot || process.platform !== 'linux') throw new Error('no engine answers: start Docker, or set DOCKER_HOST')
      if (isDebian && which('nft') === null) await installPackages(['nftables'], 'the packet filter')
      if (which('dockerd') === null || which('docker') === null) {
        note("installing Debian's docker.io")
        if (!isDebian) throw new Error('dockerd is not installed: install Docker Engine')
        await installPackages(['docker.io', 'iptables'], 'Docker')
        // Where a service manager runs, the package has started the engine.
        if (await answers()) return { problem: null, dispose: async () => {} }
      }
      await engineUnderWay(note)
      if (await answers()) return { problem: null, dispose: async () => {} }
      // With user namespaces root in a session is nobody on this machine, and a session may have a Docker engine of its own.
      const users = (await hasUserNamespaces()) ? ['--userns-remap=default'] : []
      // Without gVisor sessions stand on the next rung: no reason not to start.
      const gvisor = await runscArguments(note).catch((error) => {
        note(error.message)
        return []
      })
      const engine = await startEngine([...users, ...gvisor])
      const dispose = async () => {
        const gone = new Promise((resolve) => engine.once('exit', resolve))
        engine.kill('SIGTERM')
        await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 15_000).unref())])
      }
      return { problem: null, dispose }
    })
  } catch (error) {
    return { problem: error.message, dispose: async () => {} }
  }
}
