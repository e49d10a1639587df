import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PromptId, SessionId } from '@helix/contract/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { archiveOf } from '../src/engine/archive.ts'
import { unless } from '../src/engine/failures.ts'
import { ClosedImages } from '../src/images/closed.ts'
import { Images } from '../src/images/images.ts'
import { cacheLabels, isCache, sessionLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession } from '../src/sessions/stop.ts'
import { runTurn } from '../src/sessions/turn.ts'
import { Registry } from './registry.ts'
import { openWorld, until, type World } from './world.ts'

let world: World
let host: Context
let registry: Registry
const images: string[] = []

beforeAll(async () => {
  world = await openWorld()
  registry = await Registry.open()
  host = await world.boot()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  for (const image of images) await unless(['conflict'], world.engine.removeImage(image))
  await registry[Symbol.asyncDispose]()
})

const shell = async (script: string): Promise<string> => (await promisify(execFile)('sh', ['-ec', script])).stdout

/** An image of nothing would give no room. */
const folderAsTar = (): Promise<Buffer> => archiveOf([{ path: 'large', content: Buffer.alloc(1_000_000, 1), mode: 0o644 }])

/** Layers of images that have nothing of ours in them; null: they cannot be had on this machine. */
async function busybox(): Promise<Buffer | null> {
  const folder = await mkdtemp(join(tmpdir(), 'helix-busybox-'))
  try {
    await shell(`cd ${folder}; apt-get download -qq busybox-static >&2; dpkg-deb -x busybox-static*.deb x; mkdir -p root/bin root/usr/bin root/tmp
      cp x/bin/busybox root/bin; chmod 1777 root/tmp
      for name in sh ls cat id mkdir uname grep; do ln -s busybox root/bin/$name; done; ln -s /bin/busybox root/usr/bin/env
      tar --owner=0 --group=0 -C root -cf layer.tar .`)
    return await readFile(join(folder, 'layer.tar'))
  } catch {
    return null
  } finally {
    await rm(folder, { recursive: true })
  }
}

const waiting = new AbortController().signal
const start = (sessionId: SessionId) => startSession(host, { sessionId, epoch: 0, reason: 'test' }, waiting)

/** Starts a session from an image; what it says, and what a command in it answers as the agent's user. */
async function sessionOn(image: string) {
  images.push(image)
  world.plane.machine = { ...world.plane.machine, image }
  const sessionId = world.plane.addSession()
  await start(sessionId)
  const promptId = world.plane.addPrompt('hello') as PromptId
  const turn = await runTurn(
    host,
    { sessionId, epoch: 1, promptId },
    { signal: waiting, cancelRequested: () => false, beat: () => undefined },
  )
  expect(turn.outcome).toBe('end_turn')
  const [container] = await world.engine.listContainers(sessionLabels(host.owner, sessionId))
  const address = host.registry.find(sessionId)?.address
  const run = async (command: string): Promise<{ exitCode: number; stdout: string; stderr: string }> => {
    const headers = { authorization: `Bearer ${'m'.repeat(40)}`, 'content-type': 'application/json' }
    const response = await fetch(`http://${address}/exec`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ command, timeoutMs: 60_000 }),
    })
    return response.json() as Promise<{ exitCode: number; stdout: string; stderr: string }>
  }
  const notices = () => world.plane.journalOf(sessionId).flatMap(({ payload }) => (payload.kind === 'notice' ? [payload.text] : []))
  return { sessionId, container: container?.id ?? '', run, notices, stages: world.plane.starts.at(-1)?.stages ?? [] }
}

test('an image without anything but a shell is fetched, started with the kit, and what it lacks is said', async ({ skip }) => {
  const layer = await busybox()
  if (layer === null) return skip('there is no busybox-static here: its package is not reached')
  registry.publish('team/bare', '1', layer, { Env: ['PATH=/bin', 'TEAM=blue'], User: '65534' })
  const { sessionId, run, notices, stages } = await sessionOn(registry.nameOf('team/bare:1'))
  expect(stages.map(({ name }) => name)).toEqual(expect.arrayContaining(['image', 'kit']))
  await until(() => notices().length > 0)
  expect(notices()[0]).toContain(
    '/team/bare:1. It has no bash: terminals, commands and the start-up script run in /bin/sh. It has no git: Helix’s own',
  )
  expect(notices()[0]).toMatch(/It has no glibc/)
  const said =
    await run(`id -un; echo $TEAM; cd /tmp; git init -q --template= work && cd work && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one
    git log --format=%s; node -p 'process.execPath'; python3 -c 'import pty; print(1)'; touch /opt/helix/mine || echo kept`)
  expect(said).toMatchObject({ exitCode: 0, stdout: 'agent\nblue\none\n/opt/helix/node\n1\nkept\n' })
  await removeSession(host, sessionId)
})

test('an image of another Debian keeps its own programs, and its Docker works where this host gives one', async () => {
  const { sessionId, run, notices, stages } = await sessionOn('helix-session-system:dev')
  images.pop()
  expect(notices()).toEqual([])
  expect(stages.map(({ name }) => name).filter((name) => name.includes('without'))).toEqual([])
  expect((await run('id -un; command -v git bash')).stdout).toBe('agent\n/usr/bin/git\n/usr/bin/bash\n')
  // The session begins before its Docker is up.
  if (host.footing().innerDocker !== 'none') await until(async () => (await run('docker info --format {{.OSType}}')).stdout === 'linux\n')
  await removeSession(host, sessionId)
})

test('ten who need the same image at once fetch it once, and the kit of an earlier version goes', async () => {
  const old = `helix-${world.installation}-kit-000000000000`
  await world.engine.createVolume(old, cacheLabels(host.owner, 'kit'))
  for (const { name, labels } of await world.engine.listVolumes({ 'helix.installation': world.installation }))
    if (isCache({ labels }) && name !== old) await world.engine.removeVolume(name)
  registry.publish('team/tiny', '1', await folderAsTar())
  const image = registry.nameOf('team/tiny:1')
  images.push(image)
  const before = registry.asked
  const all = Array.from({ length: 10 }, () => host.images.ensure(image, { project: 'tiny', login: null }, waiting, () => undefined))
  const [one, other] = await Promise.all([host.kit.ensure(), host.kit.ensure(), ...all])
  expect(one).toBe(other)
  expect(registry.asked - before).toBeLessThanOrEqual(2)
  expect(await world.engine.findVolume(old)).toBeNull()
})

test('what was fetched here and no project names any more is given up for room, what stood here before is not; likewise the kit', async () => {
  const fetched = registry.nameOf('team/tiny:1')
  expect(Object.keys(await host.garbage.ledger.entries())).toContain(fetched)
  await host.garbage.collectImages([])
  for (let given = 1; given > 0; ) given = (await host.evictables.evict('disk'))?.bytes ?? 0
  expect(await Promise.all([fetched, 'helix-session-system:dev'].map((image) => world.engine.hasImage(image)))).toEqual([false, true])
  expect(await world.engine.listVolumes(cacheLabels(host.owner, 'kit'))).toEqual([])
})

test('an image that is not to be had ends the start at once, with the way out; what projects use is fetched before it is needed', async () => {
  world.plane.machine = { ...world.plane.machine, image: registry.nameOf('team/absent:1') }
  const sessionId = world.plane.addSession()
  const way =
    /team\/absent:1 cannot be had: its registry has no image of that name.*choose another one in the project's settings.*docker pull/
  await expect(start(sessionId)).rejects.toMatchObject({
    type: 'ImageUnavailable',
    nonRetryable: true,
    message: expect.stringMatching(way),
  })
  expect(await world.engine.listContainers(sessionLabels(host.owner, sessionId))).toEqual([])
  await removeSession(host, sessionId)
  registry.publish('team/absent', '1', Buffer.alloc(1024))
  const wanted = [registry.nameOf('team/never:1'), registry.nameOf('team/absent:1')]
  images.push(wanted[1] ?? '')
  await host.images.prefetch(wanted, waiting)
  expect(await Promise.all(wanted.map((image) => world.engine.hasImage(image)))).toEqual([false, true])
  const before = registry.asked
  await host.images.prefetch(wanted, waiting)
  expect(registry.asked).toBe(before)
})

test('an image that its registry shows to who signs in is fetched with the project’s secret, and no other project gets it for being there', async () => {
  registry.publish('team/closed', '1', await folderAsTar())
  const image = registry.nameOf('team/closed:1')
  images.push(image)
  registry.login = 'robot:of the project'
  try {
    const as = (project: string, password: string | null) => {
      const login = password === null ? null : { user: 'robot', password, secret: 'REGISTRY_TOKEN' }
      return host.images.ensure(image, { project, login }, waiting, () => undefined)
    }
    await expect(as('one', null)).rejects.toThrow(/does not show it without signing in.*take a user and a secret/)
    await expect(as('one', 'wrong')).rejects.toThrow(/does not show it to robot with what the secret REGISTRY_TOKEN holds/)
    await Promise.all([as('one', 'of the project'), expect(as('two', null)).rejects.toThrow(/cannot be had/)])
    await expect(as('two', 'wrong')).rejects.toThrow(/cannot be had/)
    await expect(as('two', null)).rejects.toThrow(/cannot be had/)
    const before = registry.asked
    await as('one', null)
    expect(registry.asked).toBe(before)
    const again = new Images({ ...host, hostName: 'again', ledger: host.garbage.ledger, closed: new ClosedImages(host.config.stateDir) })
    await expect(again.ensure(image, { project: 'two', login: null }, waiting, () => undefined)).rejects.toThrow(/cannot be had/)
    await as('two', 'of the project')
    registry.login = null
    await as('three', null)
    await as('four', null)
    expect(await readFile(join(host.config.stateDir, 'closed-images.json'), 'utf8')).not.toMatch(/robot|of the project/)
  } finally {
    registry.login = null
  }
})

test('what an image is fetched with is in nothing that the session has', async () => {
  world.plane.spec = { imageLogin: { user: 'robot', password: 'of-the-project-7', secret: 'REGISTRY_TOKEN' } }
  const { container, run, sessionId } = await sessionOn('helix-session-system:dev')
  images.pop()
  expect((await run('env; cat /run/helix/* 2>/dev/null; grep -ra of-the-project-[7] /run /workspace /tmp; true')).stdout).not.toMatch(
    /of-the-project-7/,
  )
  const shown = await promisify(execFile)('docker', ['inspect', container])
  expect(shown.stdout).not.toMatch(/of-the-project-7/)
  await removeSession(host, sessionId)
  world.plane.spec = {}
})
