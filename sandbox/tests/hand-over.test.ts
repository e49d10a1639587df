import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { SessionId } from '@helix/contract/ids'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { Collector } from '../src/sessions/collector.ts'
import { ownerLabels, sessionLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession } from '../src/sessions/stop.ts'
import type { Dying } from './dying-host.ts'
import { type Point, points } from './hand-over-points.ts'
import { openWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

/** Runs a host process until SIGKILL ends it at the point. */
async function killAt(point: Point, sessionId: SessionId): Promise<void> {
  const { controlPlane, stateDir, installation, packs } = world.parts
  const dying: Dying = { parts: { controlPlane, stateDir, installation, prefix: packs.prefix }, sessionId, point }
  const script = fileURLToPath(new URL('./dying-host.ts', import.meta.url))
  const host = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, JSON.stringify(dying)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  host.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said = (said + chunk).slice(-2000)
  })
  const [code, signal] = await once(host, 'exit')
  expect({ code, signal, said }).toEqual({ code: null, signal: 'SIGKILL', said: '' })
}

async function thingsOf({ owner, identity }: Context): Promise<{ containers: string[]; networks: string[]; volumes: string[] }> {
  const [containers, networks, volumes] = await Promise.all([
    world.engine.listContainers(ownerLabels(owner)),
    world.engine.listNetworks(),
    world.engine.listVolumes(ownerLabels(owner)),
  ])
  const own = networks.filter(({ labels }) => labels['helix.host'] === identity.hostId)
  const [containerNames = [], networkNames = [], volumeNames = []] = [containers, own, volumes].map((all) => all.map(({ name }) => name))
  return { containers: containerNames, networks: networkNames, volumes: volumeNames }
}

test.for(Object.keys(points) as Point[])(
  'a host that is killed when %s costs the session time, and nothing of it is lost or left',
  async (point) => {
    const sessionId = world.plane.addSession()
    await killAt(point, sessionId)
    const host = await world.boot({ HELIX_WARM_SESSIONS: '0' })
    await host.warm.look(Date.now() + 30_000)
    await new Collector(host).collect(Date.now() + 120_000)
    const was = host.slots.slotFor(sessionId)
    // The workflow, whose activity was lost with the process, asks again with what it knows.
    const { epoch } = await startSession(host, { sessionId, epoch: 0, reason: 'test' }, new AbortController().signal)
    expect(world.plane.row(sessionId).epoch).toBe(epoch)
    expect(host.slots.slotFor(sessionId)).toBe(was)
    expect(await host.engine.listContainers(sessionLabels(host.owner, sessionId))).toHaveLength(1)
    const things = await thingsOf(host)
    const volumes = host.footing().innerDocker === 'none' ? 1 : 2
    expect([things.containers.length, things.networks.length, things.volumes.length]).toEqual([1, 1, volumes])
    expect(things.volumes.every((name) => name.includes(was ?? sessionId))).toBe(true)
    await removeSession(host, sessionId)
    await host.warm.look(Date.now() + 200_000)
    expect(await thingsOf(host)).toEqual({ containers: [], networks: [], volumes: [] })
    expect(host.slots.list()).toEqual([])
  },
)
