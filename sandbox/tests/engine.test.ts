import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { archiveOf } from '../src/engine/archive.ts'
import { DockerEngine } from '../src/engine/docker-engine.ts'
import { plainContainer } from '../src/engine/plain-container.ts'
import { startSession } from '../src/sessions/start.ts'
import { EngineSocket } from './engine-socket.ts'
import { openWorld, type World } from './world.ts'

const image = 'helix-session:dev'
let world: World
/** What a host reaches the engine by, where a test cuts it: needed until the host's garbage was collected. */
let socket: EngineSocket | null = null

beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
  await socket?.[Symbol.asyncDispose]()
  socket = null
})

const labels = () => ({ 'helix.installation': world.installation })
const container = (command: string[]) =>
  world.engine.createContainer(plainContainer({ name: `helix-${world.installation}-${Date.now()}`, image, labels: labels(), command }))

test('a name is given once, and what is gone is gone without complaint', async () => {
  const name = `helix-${world.installation}-once`
  const spec = plainContainer({ name, image, labels: labels() })
  const tries = await Promise.allSettled([world.engine.createContainer(spec), world.engine.createContainer(spec)])
  expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(tries.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { kind: 'conflict' } })
  await Promise.all([world.engine.removeContainer(name), world.engine.removeContainer(name)])
  await world.engine.removeContainer(name)
  await world.engine.stopContainer(name, 1)
  await world.engine.killContainer(name)
  await world.engine.removeVolume(name)
  expect(await world.engine.inspectContainer(name)).toBeNull()
  expect(await world.engine.readFile('helix-nothing', '/etc/passwd')).toBeNull()
})

test('the end of a container is waited for, and its last words are read', async () => {
  const id = await container(['/bin/sh', '-c', 'echo one; echo two >&2; exit 7'])
  await world.engine.startContainer(id)
  expect(await world.engine.waitForExit(id, 10_000)).toBe(7)
  expect((await world.engine.tailOutput(id, 5)).split('\n').sort().filter(Boolean)).toEqual(['one', 'two'])
  const slow = await container(['/bin/sleep', '60'])
  await world.engine.startContainer(slow)
  expect(await world.engine.waitForExit(slow, 200)).toBeNull()
})

test('a range that is taken is told as such', async () => {
  const create = (name: string) =>
    world.engine.createNetwork({
      name: `helix-${world.installation}-${name}`,
      subnet: '10.199.7.0/28',
      labels: labels(),
      link: `hxtest-${name}`,
    })
  await create('one')
  await expect(create('two')).rejects.toMatchObject({ kind: 'overlap' })
})

test('an archive that breaks off is a failure with its own reason', async () => {
  const id = await container(['/bin/true'])
  const whole = await archiveOf([{ path: 'file', content: Buffer.alloc(200_000), mode: 0o644 }])
  const broken = Readable.from(
    (async function* () {
      yield whole.subarray(0, 100_000)
      throw new Error('the source is gone')
    })(),
  )
  await expect(world.engine.putArchive(id, '/tmp', broken)).rejects.toThrow('the source is gone')
})

test('an engine that is away is unreachable, says where it was looked for, and a start fails so that it may be tried again', async () => {
  const nowhere = new DockerEngine('unix:///nowhere/docker.sock')
  await expect(nowhere.info()).rejects.toMatchObject({ kind: 'unreachable', message: expect.stringContaining('/nowhere/docker.sock') })
  socket = await EngineSocket.open(`/tmp/helix-${world.installation}.sock`)
  const host = await world.boot({ DOCKER_HOST: `unix://${socket.path}` })
  socket.cut()
  const sessionId = world.plane.addSession()
  const start = () => startSession(host, { sessionId, epoch: 0, reason: 'test' }, new AbortController().signal)
  await expect(start()).rejects.toMatchObject({ kind: 'unreachable' })
  socket.mend()
  expect(await start()).toEqual({ epoch: 1 })
})
