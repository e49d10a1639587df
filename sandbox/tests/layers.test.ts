import type { ProjectId, SessionId } from '@helix/contract/ids'
import { typeid } from 'typeid-js'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { keepsLayersOf } from '../src/caches/layers.ts'
import { CacheLedger } from '../src/caches/ledger.ts'
import type { Context } from '../src/context.ts'
import { cacheLabels, innerDockerVolume, sessionLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession, suspendSession } from '../src/sessions/stop.ts'
import { openWorld, type World } from './world.ts'

/** An image with a layer in which a folder was deleted and made anew, and one of a container that was never asked to end. */
const script = `mkdir -p /tmp/build && cd /tmp/build
tar -chf root.tar -C / bin/sh bin/mkdir bin/rm bin/ls bin/touch bin/sleep $(ldd /bin/sh /bin/ls /bin/mkdir | grep -o '/[^ ]*/lib[^ ]*' | cut -c2- | sort -u) lib64
cat >Dockerfile <<END
FROM scratch
ADD root.tar /
RUN mkdir -p /folder && touch /folder/deleted
RUN rm -rf /folder && mkdir /folder && touch /folder/made-anew
END
docker build --quiet --tag made . >/dev/null
docker run --detach --name server made sleep 1000 >/dev/null
date >/tmp/ended`

let world: World
let host: Context
const orgId = typeid('org').toString() as never
let projectId: ProjectId

beforeAll(async () => {
  world = await openWorld()
  host = await world.boot()
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(() => {
  projectId = typeid('prj').toString() as ProjectId
  world.plane.spec = { orgId, projectId, startUp: { script, deadlineSeconds: 120 } }
})

const forever = new AbortController().signal
const kept = async () => (await world.engine.listVolumes(cacheLabels(host.owner, 'layers'))).map(({ name }) => name).toSorted()

async function start(on = host): Promise<{ sessionId: SessionId; stages: string[]; run(command: string): Promise<string> }> {
  const sessionId = world.plane.addSession()
  await startSession(on, { sessionId, epoch: 0, reason: 'test' }, forever)
  const address = on.registry.find(sessionId)?.address
  const headers = { authorization: `Bearer ${'m'.repeat(40)}`, 'content-type': 'application/json' }
  const run = async (command: string): Promise<string> => {
    const body = JSON.stringify({ command, timeoutMs: 60_000 })
    const answer = (await (await fetch(`http://${address}/exec`, { method: 'POST', headers, body })).json()) as {
      stdout: string
      stderr: string
    }
    return answer.stdout + answer.stderr
  }
  return { sessionId, stages: (world.plane.starts.at(-1)?.stages ?? []).map(({ name }) => name), run }
}

const without = 'the rung of this engine gives no inner Docker whose layers are kept'

test('what a start-up script built is there in the next session of the project alone, without the containers', async ({ skip }) => {
  if (!keepsLayersOf(host.footing())) return skip(without)
  const first = await start()
  expect(await first.run('cat /tmp/ended | wc -l; docker ps --format {{.Names}}')).toBe('1\nserver\n')
  expect(await kept()).toHaveLength(1)
  const second = await start()
  expect(second.stages).toContain('layers of the project')
  expect(
    await second.run(
      'docker ps -a --format {{.Names}}; docker run --rm made /bin/ls /folder; docker build /tmp/build | grep -c "Using cache\\|CACHED"',
    ),
  ).toMatch(/^server\nmade-anew\n/)
  // Nothing new was built: nothing is kept anew.
  const [volume] = await kept()
  expect(await kept()).toEqual([volume])
  projectId = typeid('prj').toString() as ProjectId
  world.plane.spec = { ...world.plane.spec, projectId, startUp: { script: 'docker images --quiet >/tmp/images', deadlineSeconds: 60 } }
  const other = await start()
  expect(other.stages).not.toContain('layers of the project')
  expect(await other.run('cat /tmp/images')).toBe('')
  for (const { sessionId } of [first, second, other]) await removeSession(host, sessionId)
})

test('what an agent did in its session reaches no other one', async ({ skip }) => {
  if (!keepsLayersOf(host.footing())) return skip(without)
  const first = await start()
  const [before] = (await kept()).slice(-1)
  await first.run('docker tag made poison; cd /tmp/build && echo "FROM made" | docker build --tag made --label poison=1 -')
  await suspendSession(host, first.sessionId)
  world.plane.spec = { ...world.plane.spec, kept: { last: 0, from: null, turn: { promptId: typeid('prm').toString(), end: null } } }
  await startSession(host, { sessionId: first.sessionId, epoch: 1, reason: 'test' }, forever)
  expect(await kept()).toContain(before)
  world.plane.spec = { ...world.plane.spec, kept: { last: 0, from: null, turn: null } }
  const second = await start()
  expect(await second.run('docker images --format {{.Repository}} | sort; docker inspect --format {{.Config.Labels}} made')).toBe(
    'made\nmap[]\n',
  )
  for (const { sessionId } of [first, second]) await removeSession(host, sessionId)
})

test('kept layers go when they are old, too many, or when room is needed; a half filled volume is filled anew', async ({ skip }) => {
  if (!keepsLayersOf(host.footing())) return skip(without)
  const first = await start()
  const week = 8 * 24 * 3_600_000
  const orphan = `helix-${world.installation}-layers-orphan`
  await world.engine.createVolume(orphan, cacheLabels(host.owner, 'layers'))
  await host.layers.collect(Date.now() + 700_000)
  expect(await kept()).not.toContain(orphan)
  const sessionId = world.plane.addSession()
  const volume = innerDockerVolume(host.owner, host.slots.stemOf(sessionId))
  await world.engine.createVolume(volume, sessionLabels(host.owner, sessionId))
  const stale = (await world.engine.findVolume(volume))?.createdAt
  await new CacheLedger(host.config.stateDir, 'layers').fill(volume, true)
  const again = await world.boot()
  await startSession(again, { sessionId, epoch: 0, reason: 'test' }, forever)
  expect((await world.engine.findVolume(volume))?.createdAt).not.toBe(stale)
  expect(world.plane.starts.at(-1)?.stages.map(({ name }) => name)).toContain('layers of the project')
  expect(await again.layers.evict('memory')).toBe(0)
  const before = (await kept()).length
  expect(await again.layers.evict('disk')).toBeGreaterThan(1_000_000)
  expect(await kept()).toHaveLength(before - 1)
  await again.layers.collect(Date.now() + week)
  expect(await kept()).toEqual([])
  for (const id of [first.sessionId, sessionId]) await removeSession(again, id)
})
