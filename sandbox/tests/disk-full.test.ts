import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { SessionId } from '@helix/contract/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { sessionLabels, workspaceVolume } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession } from '../src/sessions/stop.ts'
import { type GitServer, makeRepository, startGitServer } from './session/git-server.ts'
import { openWorld, type World } from './world.ts'

const run = promisify(execFile)
const forever = new AbortController().signal
const without = 'only root makes disks of a size'
const isRoot = process.getuid?.() === 0

let world: World
let host: Context
const mounted: string[] = []

beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  try {
    await world[Symbol.asyncDispose]()
  } finally {
    for (const path of mounted.splice(0)) {
      await run('umount', ['--lazy', path])
      await rm(path, { recursive: true })
    }
  }
})

const start = (sessionId: SessionId, epoch = 0) => startSession(host, { sessionId, epoch, reason: 'test' }, forever)
const stages = (): string[] => world.plane.starts.at(-1)?.stages.map(({ name }) => name) ?? []

test('a host whose own folder is full says so, starts what it can, and goes on once there is room', async ({ skip }) => {
  if (!isRoot) return skip(without)
  const small = await mkdtemp(join(tmpdir(), 'helix-small-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small])
  mounted.push(small)
  host = await world.boot({ HELIX_DATA_DIR: small })
  await host.packs.ensure('goose_code')
  await host.warm.look(Date.now() + 30_000)
  expect(host.warm.size).toBe(1)
  const ballast = join(host.config.stateDir, 'ballast')
  await writeFile(ballast, Buffer.alloc(8 * 1024 ** 2)).catch(() => undefined)
  await host.monitor.check()
  expect(host.refusal()).toMatch(/The disk with this host's own folder .*helix-small-.* is full: make room there/)
  const sessionId = world.plane.addSession()
  // What cannot be written down is given to nobody: the machine that waited is not used.
  await start(sessionId)
  expect(stages()).toContain('warm: no')
  expect(host.slots.slotFor(sessionId)).toBeNull()
  await rm(ballast)
  await host.monitor.check()
  expect(host.refusal()).toBeNull()
  await host.warm.look(Date.now() + 30_000)
  const next = world.plane.addSession()
  await start(next)
  expect(stages()).toContain('warm: yes')
  for (const id of [sessionId, next]) await removeSession(host, id)
})

/** A volume of so much, made before the host makes the session's. */
async function smallVolume(sessionId: SessionId, size: string): Promise<string> {
  const name = workspaceVolume(host.owner, sessionId)
  const labels = Object.entries(sessionLabels(host.owner, sessionId)).flatMap(([key, value]) => ['--label', `${key}=${value}`])
  // Root of a session is another user of the machine, after which such an engine names its folder.
  const [, uid = '0', gid = '0'] = /\/(\d+)\.(\d+)$/.exec((await world.engine.info()).dataRoot) ?? []
  const disk = ['--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', `o=size=${size},mode=1777,uid=${uid},gid=${gid}`]
  await run('docker', ['volume', 'create', ...labels, ...disk, name])
  return name
}

test('a session whose disk is full while it starts fails with that reason, and starts once there is room', async ({ skip }) => {
  if (!isRoot) return skip(without)
  const folder = await mkdtemp(join(tmpdir(), 'helix-full-'))
  makeRepository(join(folder, 'sample.git'), { 'large.txt': randomBytes(6_000_000).toString('base64') })
  const server: GitServer = await startGitServer(folder)
  try {
    for (let epoch = 1; epoch < 6; epoch++) server.tokens.add(`hs_${epoch}`)
    host = await world.boot({ HELIX_WARM_SESSIONS: '0' })
    const sessionId = world.plane.addSession()
    const branch = `session/${sessionId}`
    const repositories = [
      { name: 'sample', clonePath: '/git/sample.git', defaultBranch: 'main', baseBranch: 'main', branch, primary: true },
    ]
    world.plane.spec = { controlPlaneUrl: `http://host.docker.internal:${server.port}`, repositories }
    const volume = await smallVolume(sessionId, '4m')
    await expect(start(sessionId)).rejects.toThrow(/disk is full|no space left/i)
    expect(await world.engine.listContainers(sessionLabels(host.owner, sessionId))).toEqual([])
    // Its files stand, and nothing of the half clone is in the way.
    await world.engine.removeVolume(volume)
    await smallVolume(sessionId, '200m')
    await start(sessionId, 1)
    expect(stages()).toContain('ready')
    await removeSession(host, sessionId)
  } finally {
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
})
