import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { cacheFolder } from '../../setup/cache.mjs'
import { say } from '../../setup/progress.mjs'
import { freePort } from '../../stack/ports.ts'

const run = promisify(execFile)
const folder = join(cacheFolder, 'bench-gateway')
/** Newer ones of the server break Portkey's streams. */
const portkey = { '@portkey-ai/gateway': '1.15.2', '@hono/node-server': '1.13.8' }
const litellm = 'litellm[proxy]'

/** One gateway that runs: how it is asked. */
export interface Side extends AsyncDisposable {
  name: string
  origin: string
  path: string
  headers: Record<string, string>
  pid: number
}

/** Installed once, in a draft that is renamed: a half installation is none. */
async function installed(name: string, install: (draft: string) => Promise<void>): Promise<string> {
  const at = join(folder, name)
  if (existsSync(join(at, '.done'))) return at
  say(`${name}: installing it once into the cache …`)
  rmSync(at, { recursive: true, force: true })
  mkdirSync(at, { recursive: true })
  await install(at)
  writeFileSync(join(at, '.done.new'), '')
  renameSync(join(at, '.done.new'), join(at, '.done'))
  return at
}

const npmProgram = (): string[] => [join(dirname(process.execPath), 'npm'), 'npm'].filter((one, at) => at === 1 || existsSync(one))

async function installPortkey(at: string): Promise<void> {
  const manifest = { name: 'portkey-peer', private: true, dependencies: portkey, overrides: { '@hono/node-server': '1.13.8' } }
  writeFileSync(join(at, 'package.json'), JSON.stringify(manifest))
  await run(npmProgram()[0] ?? 'npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: at, timeout: 300_000 })
}

async function installLitellm(at: string): Promise<void> {
  await run('python3', ['-m', 'venv', join(at, 'venv')])
  await run(join(at, 'venv/bin/pip'), ['install', '--quiet', '--only-binary', ':all:', litellm], { timeout: 600_000, maxBuffer: 1e8 })
}

async function untilAnswers(child: ChildProcess, url: string, deadlineMs: number): Promise<void> {
  for (const end = Date.now() + deadlineMs; Date.now() < end; await sleep(200)) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return
  }
  throw new Error('it does not answer')
}

async function opened(name: string, port: number, child: ChildProcess, headers: Record<string, string>): Promise<Side> {
  const origin = `http://127.0.0.1:${port}`
  const dispose = async (): Promise<void> => {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    if (child.exitCode === null && child.kill('SIGKILL')) await gone
  }
  try {
    await untilAnswers(child, `${origin}/`, 120_000)
  } catch (error) {
    await dispose()
    throw error
  }
  return { name, origin, path: '/v1/chat/completions', headers, pid: child.pid ?? 0, [Symbol.asyncDispose]: dispose }
}

async function startPortkey(providerUrl: string): Promise<Side> {
  const at = await installed('portkey', installPortkey)
  const port = await freePort()
  const server = join(at, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  const log = openSync(join(at, 'log'), 'w')
  const child = spawn(process.execPath, [server, `--port=${port}`, '--headless'], { cwd: at, stdio: ['ignore', log, log] })
  const to = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${providerUrl}/v1` }
  return opened('portkey', port, child, { authorization: 'Bearer bench', ...to })
}

async function startLitellm(providerUrl: string): Promise<Side> {
  const at = await installed('litellm', installLitellm)
  const port = await freePort()
  const model = { model: 'openai/bench', api_base: `${providerUrl}/v1`, api_key: 'bench' }
  const config = { model_list: [{ model_name: 'bench', litellm_params: model }], general_settings: { master_key: 'sk-bench' } }
  writeFileSync(join(at, 'config.json'), JSON.stringify(config))
  const log = openSync(join(at, 'log'), 'w')
  const args = ['--config', join(at, 'config.json'), '--host', '127.0.0.1', '--port', String(port), '--telemetry', 'False']
  const env = { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_LOG: 'ERROR' }
  const child = spawn(join(at, 'venv/bin/litellm'), args, { cwd: at, env, stdio: ['ignore', log, log] })
  return opened('litellm', port, child, { authorization: 'Bearer sk-bench' })
}

/** The other gateways. One that cannot be had or does not run here is left out, and that is said. */
export async function startPeers(providerUrl: string): Promise<Side[]> {
  const sides: Side[] = []
  for (const [name, start] of [
    ['portkey', startPortkey],
    ['litellm', startLitellm],
  ] as const)
    try {
      sides.push(await start(providerUrl))
    } catch (error) {
      say(`${name} is left out: ${error instanceof Error ? error.message.slice(0, 300) : error}`)
    }
  return sides
}
