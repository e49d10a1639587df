import type { SessionId } from '@helix/contract/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { plainContainer } from '../src/engine/plain-container.ts'
import { Collector } from '../src/sessions/collector.ts'
import { sessionLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { openWorld, type World } from './world.ts'

let world: World
let host: Context
let collector: Collector

beforeEach(async () => {
  world = await openWorld()
  host = await world.boot()
  collector = new Collector(host)
})
afterEach(() => world[Symbol.asyncDispose]())

const start = (sessionId: SessionId) => startSession(host, { sessionId, epoch: 0, reason: 'test' }, new AbortController().signal)
/** The working copies, and the inner Docker engine's layers where this engine allows one. */
const volumes = (): number => (host.footing().innerDocker === 'none' ? 1 : 2)
const minuteLater = (): number => Date.now() + 61_000

async function countOf(labels: Record<string, string>): Promise<number[]> {
  const ours = (thing: { labels: Record<string, string> }): boolean =>
    Object.entries(labels).every(([name, value]) => thing.labels[name] === value)
  const [containers, networks, volumes] = await Promise.all([
    world.engine.listContainers(labels),
    world.engine.listNetworks(),
    world.engine.listVolumes(labels),
  ])
  return [containers.length, networks.filter(ours).length, volumes.length]
}

test('orphans go, the living stay, and so does everything of other installations and other hosts', async () => {
  await using neighbour = await openWorld()
  const other = await neighbour.boot()
  const theirs = neighbour.plane.addSession()
  await startSession(other, { sessionId: theirs, epoch: 0, reason: 'test' }, new AbortController().signal)
  const [living, orphan] = [world.plane.addSession(), world.plane.addSession()]
  await Promise.all([start(living), start(orphan)])
  const foreign = { 'helix.installation': world.installation, 'helix.host': 'hst_other', 'helix.session': orphan }
  await world.engine.createVolume(`helix-${world.installation}-foreign`, foreign)
  world.plane.sessions.delete(orphan)

  expect(await collector.collect()).toBe(0)
  expect(await collector.collect(minuteLater())).toBe(2 + volumes())
  expect(await countOf(sessionLabels(host.owner, living))).toEqual([1, 1, volumes()])
  expect(await countOf(sessionLabels(host.owner, orphan))).toEqual([0, 0, 0])
  expect(await countOf(sessionLabels(other.owner, theirs))).toEqual([1, 1, volumes()])
  expect(await countOf(foreign)).toEqual([0, 0, 1])
  expect(host.registry.find(orphan)).toBeUndefined()
})

test('what is wanted again at the second look stays', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  const row = world.plane.row(sessionId)
  world.plane.sessions.delete(sessionId)
  expect(await collector.collect()).toBe(0)
  world.plane.sessions.set(sessionId, row)
  expect(await collector.collect(minuteLater())).toBe(0)
  world.plane.sessions.delete(sessionId)
  expect(await collector.collect(minuteLater())).toBe(0)
  expect(await countOf(sessionLabels(host.owner, sessionId))).toEqual([1, 1, volumes()])
})

test('without an answer of the control plane nothing is removed', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  world.plane.sessions.delete(sessionId)
  world.plane.answering = false
  await expect(collector.collect(minuteLater())).rejects.toThrow()
  expect(await countOf(sessionLabels(host.owner, sessionId))).toEqual([1, 1, volumes()])
})

test('what probes and pack installs of an earlier boot left is removed', async () => {
  const labels = { 'helix.installation': world.installation, 'helix.host': host.identity.hostId, 'helix.boot': 'earlier' }
  const name = `helix-${world.installation}-left`
  await world.engine.createContainer(plainContainer({ name, image: host.config.session.image, labels }))
  expect(await collector.collect()).toBe(1)
  expect(await countOf(labels)).toEqual([0, 0, 0])
})

test('the container of an earlier start of a living session goes, its volume stays', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  world.plane.row(sessionId).epoch = 2
  expect(await collector.collect()).toBe(1)
  expect(await countOf(sessionLabels(host.owner, sessionId))).toEqual([0, 1, volumes()])
})
