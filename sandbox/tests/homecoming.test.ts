import type { SessionId } from '@helix/contract/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { tryReach } from '../src/checks/reach.ts'
import type { Context } from '../src/context.ts'
import { sessionLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { openWorld, until, type World } from './world.ts'

let world: World
let host: Context

beforeEach(async () => {
  world = await openWorld()
  host = await world.boot()
})
afterEach(() => world[Symbol.asyncDispose]())

const start = (sessionId: SessionId) => startSession(host, { sessionId, epoch: 0, reason: 'test' }, new AbortController().signal)
const containersOf = (sessionId: SessionId) => world.engine.listContainers(sessionLabels(host.owner, sessionId))
const networks = async () => (await world.engine.listNetworks()).filter(({ labels }) => labels['helix.installation'] === world.installation)

test('a host that comes back removes what went elsewhere before it takes anything, and adopts what stayed', async () => {
  const [moved, stayed] = [world.plane.addSession(), world.plane.addSession()]
  await start(moved)
  await start(stayed)
  host.beginEnd()
  await host.close()
  Object.assign(world.plane.row(moved), { hostId: 'hst_other', epoch: 2 })
  world.plane.answering = false
  const coming = world.boot()
  await until(() => world.plane.hellos.length === 2)
  await new Promise((resolve) => setTimeout(resolve, 500))
  // Nobody can say yet what lives elsewhere: nothing is removed, nothing adopted.
  expect((await containersOf(moved)).length).toBe(1)
  world.plane.answering = true
  world.plane.cut()
  host = await coming
  expect(await containersOf(moved)).toEqual([])
  await until(() => host.registry.find(stayed) !== undefined)
  expect(host.registry.find(moved)).toBeUndefined()
  expect((await networks()).map(({ labels }) => labels['helix.session'])).toEqual([stayed])
  expect(host.refusal()).toBeNull()
})

test('whether sessions reach the control plane is tried from inside a container, and the try leaves nothing', async () => {
  const { port } = world.plane
  expect(await tryReach(host, `http://host.docker.internal:${port}`)).toMatchObject({ name: 'sessions', state: 'ok' })
  // Nobody listens at the port of the discard protocol.
  const failed = await tryReach(host, 'http://host.docker.internal:9')
  expect(failed).toMatchObject({ state: 'failed', text: expect.stringContaining('set HELIX_SESSION_URL') })
  expect(await tryReach(host, `http://localhost:${port}`)).toMatchObject({ text: expect.stringContaining('is the session itself') })
  expect(await networks()).toEqual([])
  expect(await world.engine.listContainers({ 'helix.installation': world.installation })).toEqual([])
})

test('a host that is told to replaces its credential, and its link comes back with the new one', async () => {
  await until(() => host.link?.welcomed ?? false)
  const before = host.credential.token()
  world.plane.rotate()
  await until(() => host.credential.token() !== before)
  world.plane.credentials.set(host.identity.hostId, [host.credential.token()])
  const { length } = world.plane.hellos
  world.plane.cut()
  await until(() => world.plane.hellos.length > length)
})
