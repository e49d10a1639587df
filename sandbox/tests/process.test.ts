import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EngineSocket } from './engine-socket.ts'
import { openWorld, until, type World } from './world.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
let world: World
let folder: string
let socket: EngineSocket
let host: ChildProcess | null = null

beforeEach(async () => {
  world = await openWorld()
  folder = await mkdtemp(join(tmpdir(), 'helix-host-process-'))
  socket = await EngineSocket.open(join(folder, 'docker.sock'), true)
})
afterEach(async () => {
  host?.kill('SIGKILL')
  host = null
  await socket[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** Nobody listens at this Temporal address: the process goes on trying, and everything else works. */
function run(env: NodeJS.ProcessEnv = {}): { ended: Promise<number | null>; output(): string } {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HELIX_CONTROL_PLANE_URL: world.plane.url,
      HELIX_RUNNER_TOKEN: world.plane.token,
      HELIX_DATA_DIR: folder,
      HELIX_INSTALLATION: world.installation,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      DOCKER_HOST: `unix://${socket.path}`,
      // The real pack is not for this test to fetch.
      npm_config_registry: 'http://127.0.0.1:1',
      ...env,
    },
  })
  host = child
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  return { ended: new Promise((resolve) => child.once('exit', resolve)), output: () => output }
}

test('without Docker the host runs, says what is missing, and takes part again once Docker is back', async () => {
  const { ended } = run()
  const problem = () => world.plane.reports.at(-1)?.problem ?? ''
  await until(() => problem().includes('Start Docker'))
  expect(world.plane.reports.at(-1)).toMatchObject({ rung: 'unknown', innerDocker: false, running: 0 })
  socket.mend()
  await until(() => world.plane.reports.at(-1)?.problem === null)
  expect(world.plane.reports.at(-1)?.rung).toMatch(/^(gvisor|userns|plain)$/)
  socket.cut()
  await until(() => problem().includes('Start Docker'))
  host?.kill('SIGTERM')
  expect(await ended).toBe(0)
})

test('a session image that is not there is named, with how to build it', async () => {
  socket.mend()
  run({ HELIX_SESSION_IMAGE: 'helix-nothing:none' })
  await until(() => world.plane.reports.at(-1)?.problem?.includes('helix-nothing:none') ?? false)
  expect(world.plane.reports.at(-1)?.problem).toContain('sandbox/image/build.mjs')
})

test('a wrong configuration stops the start and names each variable', async () => {
  const { ended, output } = run({ HELIX_RUNNER_TOKEN: 'short', HELIX_INSTALLATION: 'No Name', DOCKER_HOST: 'nonsense' })
  expect(await ended).not.toBe(0)
  for (const name of ['HELIX_RUNNER_TOKEN', 'HELIX_INSTALLATION', 'DOCKER_HOST']) expect(output()).toContain(name)
})

test('a wrong runner token is told apart from a control plane that is away', async () => {
  const { output } = run({ HELIX_RUNNER_TOKEN: 'w'.repeat(40) })
  await until(() => output().includes('HELIX_RUNNER_TOKEN is not the one the control plane has'))
})
