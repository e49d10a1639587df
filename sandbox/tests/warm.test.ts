import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { SessionId } from '@helix/contract/ids'
import { machine } from '@helix/contract/machine'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { Collector } from '../src/sessions/collector.ts'
import { ownerLabels, sessionLabels } from '../src/sessions/names.ts'
import { startSession, startSoon } from '../src/sessions/start.ts'
import { removeSession, suspendSession } from '../src/sessions/stop.ts'
import { openWorld, until, type World } from './world.ts'

let world: World
let host: Context
const signal = new AbortController().signal

beforeEach(async () => {
  world = await openWorld()
  host = await world.boot()
  await host.packs.ensure('goose_code')
})
afterEach(() => world[Symbol.asyncDispose]())

const start = (sessionId: SessionId, epoch = 0, on = host) => startSession(on, { sessionId, epoch, reason: 'test' }, signal)
/** As if the last start were long ago. */
const look = (on = host) => on.warm.look(Date.now() + 30_000)
const inside = async (containerId: string, script: string): Promise<string> =>
  (await promisify(execFile)('docker', ['exec', containerId, 'sh', '-c', script])).stdout.trim()
/** Containers, networks and volumes of this host, whosever they are. */
async function everything(): Promise<number[]> {
  const labels = ownerLabels(host.owner)
  const networks = (await world.engine.listNetworks()).filter((network) => network.labels['helix.host'] === host.identity.hostId)
  return [(await world.engine.listContainers(labels)).length, networks.length, (await world.engine.listVolumes(labels)).length]
}
const volumes = (): number => (host.footing().innerDocker === 'none' ? 1 : 2)
const stages = (): string[] => world.plane.starts.at(-1)?.stages.map(({ name }) => name) ?? []
const containerOf = (sessionId: SessionId, on = host): string => {
  const session = on.registry.find(sessionId)
  if (session === undefined) throw new Error(`${sessionId} does not run`)
  return session.containerId
}

test('a session begins in a machine that waited, has it for itself, and leaves nothing of it behind', async () => {
  await look()
  expect(host.warm.size).toBe(1)
  const [slot] = await world.engine.listContainers(ownerLabels(host.owner))
  expect(slot?.labels['helix.session']).toBeUndefined()
  expect(slot?.running).toBe(false)
  const sessionId = world.plane.addSession()
  expect(await start(sessionId)).toEqual({ epoch: 1 })
  expect(stages()).toEqual(expect.arrayContaining(['warm: yes', 'warm: hand over', 'network rules', 'ready']))
  expect(containerOf(sessionId)).toBe(slot?.id)
  expect((await host.engine.listContainers(sessionLabels(host.owner, sessionId))).map(({ id }) => id)).toEqual([slot?.id])
  expect(await inside(containerOf(sessionId), 'ls /run/helix')).not.toMatch(/slot\.json|session\.json/)
  await until(async () => (await host.engine.inspectContainer(slot?.id ?? ''))?.name.endsWith(`${sessionId}-1`) ?? false)

  await inside(containerOf(sessionId), 'echo mine > /workspace/mine')
  await suspendSession(host, sessionId)
  expect(await everything()).toEqual([0, 0, volumes()])
  expect(await start(sessionId, 1)).toEqual({ epoch: 2 })
  expect(stages()).not.toContain('warm: yes')
  expect(await inside(containerOf(sessionId), 'cat /workspace/mine')).toBe('mine')
  await removeSession(host, sessionId)
  expect(await everything()).toEqual([0, 0, 0])
  expect(host.slots.list()).toEqual([])
})

test('ten that come at once share no machine, and who gets none that waited is started cold', async () => {
  await look()
  await look()
  expect(host.warm.size).toBe(2)
  const sessions = Array.from({ length: 4 }, () => world.plane.addSession())
  await Promise.all(sessions.map((sessionId) => start(sessionId)))
  expect(new Set(sessions.map((sessionId) => containerOf(sessionId))).size).toBe(4)
  const warm = world.plane.starts.filter((one) => one.stages.some(({ name }) => name === 'warm: yes'))
  expect(warm).toHaveLength(2)
  expect(host.warm.size).toBe(0)
})

test('a start that was announced is found by the one that the workflow asks for', async () => {
  await look()
  const sessionId = world.plane.addSession()
  const announced = startSoon(host, { sessionId, epoch: 0, reason: 'first start' })
  expect(await start(sessionId)).toEqual({ epoch: 1 })
  await announced
  expect(world.plane.claims).toBe(1)
  // Announced once more, it is left alone.
  await startSoon(host, { sessionId, epoch: 0, reason: 'first start' })
  expect(world.plane.claims).toBe(1)
  // The first story is the one that is kept.
  expect(world.plane.starts[0]?.stages.map(({ name }) => name)).toContain('warm: yes')
})

test('machines that nobody has are removed by the next boot, wherever this one died', async () => {
  await look()
  // Died in the middle of making one: it is noted, and has a network and a volume.
  const pause = host.engine.pauseContainer
  host.engine.pauseContainer = () => new Promise(() => undefined)
  void look()
  await until(async () => (await world.engine.listContainers(ownerLabels(host.owner))).filter(({ running }) => running).length === 1)
  host.engine.pauseContainer = pause
  expect(await everything()).toEqual([2, 2, 2 * volumes()])
  const next = await world.boot({ HELIX_WARM_SESSIONS: '0' })
  expect(await new Collector(next).collect(Date.now() + 120_000)).toBe(0)
  await look(next)
  expect(await everything()).toEqual([0, 0, 0])
  expect(next.slots.list()).toEqual([])
})

test('a host that dies before it handed over keeps the volumes for the session, and starts it over them', async () => {
  await look()
  const sessionId = world.plane.addSession()
  host.egress.admit = () => new Promise(() => undefined)
  void start(sessionId).catch(() => undefined)
  await until(async () => /ses_/.test(await readFile(join(host.config.stateDir, 'slots.json'), 'utf8')))
  const next = await world.boot({ HELIX_WARM_SESSIONS: '0' })
  await look(next)
  expect(await new Collector(next).collect(Date.now() + 120_000)).toBe(0)
  const before = (await next.engine.listVolumes(sessionLabels(next.owner, sessionId))).map(({ name }) => name)
  expect(before).toHaveLength(volumes())
  expect(await start(sessionId, 1, next)).toEqual({ epoch: 2 })
  const after = (await next.engine.listVolumes(sessionLabels(next.owner, sessionId))).map(({ name }) => name)
  expect(after.toSorted()).toEqual(before.toSorted())
  expect(await everything()).toEqual([1, 1, volumes()])
})

test('a host that dies after it handed over finds the session running', async () => {
  await look()
  const sessionId = world.plane.addSession()
  await start(sessionId)
  const containerId = containerOf(sessionId)
  host.beginEnd()
  await host.close()
  const next = await world.boot()
  await until(() => next.registry.find(sessionId) !== undefined)
  expect(containerOf(sessionId, next)).toBe(containerId)
  expect(await start(sessionId, 1, next)).toEqual({ epoch: 1 })
})

test('a machine that broke while it waited costs the session time and nothing else', async () => {
  await look()
  const [slot] = await world.engine.listContainers(ownerLabels(host.owner))
  await world.engine.unpauseContainer(slot?.id ?? '')
  await world.engine.killContainer(slot?.id ?? '')
  const sessionId = world.plane.addSession()
  expect(await start(sessionId)).toEqual({ epoch: 1 })
  expect(stages()).toContain('warm: no')
  await removeSession(host, sessionId)
  expect(await everything()).toEqual([0, 0, 0])
  expect(host.slots.list()).toEqual([])
})

test('nobody but the host hands a session to a machine that waits', async () => {
  await look()
  const [slot] = await world.engine.listContainers(ownerLabels(host.owner))
  await world.engine.unpauseContainer(slot?.id ?? '')
  const { address } = (await world.engine.inspectContainer(slot?.id ?? '')) ?? {}
  for (const [path, method, token] of [
    ['/slot', 'POST', ''],
    ['/slot', 'POST', 'x'.repeat(64)],
    ['/slot', 'GET', 'x'.repeat(64)],
    ['/exec', 'POST', ''],
    ['/link', 'GET', ''],
  ] as const) {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`http://${address}${path}`, { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) })
    expect(answer.status).toBe(404)
  }
})

test('another kind of machine waits once somebody asked for it, and memory is given back when it is asked for', async () => {
  await look()
  world.plane.machine = machine.parse({ memoryBytes: 1024 ** 3, cpus: 1 })
  const sessionId = world.plane.addSession()
  await start(sessionId)
  expect(stages()).toContain('warm: no')
  await look()
  const slots = (await host.engine.listContainers(ownerLabels(host.owner))).filter(({ labels }) => labels['helix.session'] === undefined)
  const sizes = await Promise.all(
    slots.map(async ({ id }) => (await promisify(execFile)('docker', ['inspect', '--format', '{{.HostConfig.Memory}}', id])).stdout.trim()),
  )
  expect(sizes.toSorted()).toEqual([String(1024 ** 3), String(4 * 1024 ** 3)].toSorted())
  expect(await host.warm.evict('memory')).toBeGreaterThan(0)
  expect(host.warm.size).toBe(0)
  expect(await everything()).toEqual([1, 1, volumes()])
})

test('machines with packs of before are replaced, and a session with another agent does not get them', async () => {
  await look()
  const before = host.slots.list()
  await host.packs.ensure('claude_code')
  world.plane.spec = { agentRuntime: 'claude_code' }
  expect(host.warm.take((await claimed()).spec, 'claude_code')).toBeNull()
  await look()
  expect(host.warm.size).toBe(1)
  expect(host.slots.list()).not.toEqual(before)
  expect(host.warm.take((await claimed()).spec, 'claude_code')).not.toBeNull()
})

async function claimed() {
  const claim = await host.controlPlane.claim(world.plane.addSession(), 0)
  if (claim.outcome === 'refused') throw new Error(claim.reason)
  return claim
}
