import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PromptId, SessionId } from '@helix/contract/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { Evictables } from '../src/pressure/evictables.ts'
import type { Gauge } from '../src/pressure/levels.ts'
import { Pressure } from '../src/pressure/pressure.ts'
import { Relief } from '../src/pressure/relief.ts'
import { sessionLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession } from '../src/sessions/stop.ts'
import { runTurn, type TurnCaller } from '../src/sessions/turn.ts'
import { type GitServer, inRepository, makeRepository, startGitServer } from './session/git-server.ts'
import { openWorld, packOf, until, type World } from './world.ts'

let world: World
let host: Context
let folder: string
let server: GitServer
beforeAll(async () => {
  world = await openWorld(packOf('./session/remembering-agent.mjs'))
  folder = await mkdtemp(join(tmpdir(), 'helix-pressure-'))
  makeRepository(join(folder, 'repositories', 'sample.git'), { 'README.md': '# Sample\n' })
  server = await startGitServer(join(folder, 'repositories'))
  server.tokens.add('hs_1')
  host = await world.boot()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const run = promisify(execFile)
const forever = new AbortController().signal
const waiting: TurnCaller = { signal: forever, cancelRequested: () => false, beat: () => undefined }
const promptOf = (text: string) => world.plane.addPrompt(text) as PromptId
const told = (sessionId: SessionId) => JSON.stringify(world.plane.journalOf(sessionId))
const containersOf = (sessionId: SessionId) => world.engine.listContainers(sessionLabels(host.owner, sessionId))

async function session(): Promise<SessionId> {
  const sessionId = world.plane.addSession()
  const branch = `session/${sessionId}`
  const repositories = [{ name: 'sample', clonePath: '/git/sample.git', defaultBranch: 'main', baseBranch: 'main', branch, primary: true }]
  world.plane.spec = { controlPlaneUrl: `http://host.docker.internal:${server.port}`, repositories }
  await startSession(host, { sessionId, epoch: 0, reason: 'test' }, forever)
  return sessionId
}

/** The real sessions of the host, under memory that runs out as the test says. */
function pressureOf(free: { bytes: number }, attended: (id: SessionId) => boolean = () => false) {
  const pressure = new Pressure({
    measure: async (): Promise<Gauge[]> => [{ what: 'memory', of: 'this machine', free: free.bytes, total: 1000, reserve: 100 }],
    evictables: new Evictables(host.log),
    relief: new Relief({ host, attended, usedBy: () => null }),
    log: host.log,
    changed: () => undefined,
  })
  let now = Date.now()
  return async (looks: number) => {
    for (let look = 0; look < looks; look++) {
      now += 60_000
      await pressure.look(now)
    }
  }
}

test('the one that was idle for longest is suspended and the control plane hears of it, however late; who is attended or works stays', async () => {
  const [older, newer, watched] = [await session(), await session(), await session()]
  const working = await session()
  const turn = runTurn(host, { sessionId: working, epoch: 1, promptId: promptOf('hang') }, waiting).catch((error: unknown) => error)
  await until(() => host.registry.find(working)?.link.status?.state === 'busy')
  const free = { bytes: 45 }
  const look = pressureOf(free, (id) => id === watched)
  world.plane.answering = false
  await look(3)
  expect(await containersOf(older)).toEqual([])
  expect(told(older)).toContain('Suspended by its host, which runs out of memory.')
  expect((await containersOf(newer)).length).toBe(1)
  expect(world.plane.suspensions).toEqual([])
  world.plane.answering = true
  await look(3)
  expect(world.plane.suspensions.map(({ sessionId, epoch }) => [sessionId, epoch])).toEqual([
    [older, 1],
    [newer, 1],
  ])
  for (const id of [watched, working]) expect((await containersOf(id)).length).toBe(1)
  for (const id of [older, newer, watched, working]) await removeSession(host, id)
  expect(await turn).toMatchObject({ type: 'SessionLost' })
})

test('at last the largest goes, in the middle of its turn, with its work kept before its machine ends', async () => {
  const [small, large] = [await session(), await session()]
  const first = promptOf('run: echo half > new.txt')
  await runTurn(host, { sessionId: large, epoch: 1, promptId: first }, waiting)
  const turn = runTurn(host, { sessionId: large, epoch: 1, promptId: promptOf('hang') }, waiting).catch((error: unknown) => error)
  await until(() => host.registry.find(large)?.link.status?.state === 'busy')
  const { containerId } = host.registry.find(large) ?? { containerId: '' }
  const shell = (...options: string[]) => run('docker', ['exec', ...options])
  await shell('--user', 'agent', containerId, 'sh', '-c', 'echo more > /workspace/sample/later.txt')
  await shell('--detach', containerId, 'node', '-e', 'const kept = Buffer.alloc(200e6, 1); setInterval(() => kept.length, 1000)')
  await until(async () => ((await world.engine.usedMemory(containerId)) ?? 0) > 250e6)
  const look = pressureOf({ bytes: 10 }, () => true)
  await look(4)
  expect(await containersOf(large)).toEqual([])
  expect(await turn).toMatchObject({ type: 'SessionLost', message: expect.stringContaining('Its work was kept') })
  expect(world.plane.suspensions.at(-1)).toMatchObject({ sessionId: large })
  expect((await containersOf(small)).length).toBe(1)
  const kept = world.plane.journalOf(large).flatMap(({ payload }) => (payload.kind === 'checkpoint' ? [payload] : []))
  expect(kept.at(-1)?.cause).toBe('suspend')
  const ref = `refs/helix/sessions/${large}/${kept.at(-1)?.n}`
  expect(inRepository(join(folder, 'repositories', 'sample.git'), 'show', `${ref}:later.txt`)).toBe('more')
  for (const id of [small, large]) await removeSession(host, id)
})
