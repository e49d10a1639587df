import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { nft } from '../src/egress/nft.ts'
import { TableHold } from '../src/egress/tables.ts'
import { Collector } from '../src/sessions/collector.ts'
import { bridgePrefix } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { openWorld, type World } from './world.ts'

const run = promisify(execFile)
let world: World
let host: Context
beforeAll(async () => {
  world = await openWorld()
  host = await world.boot()
})
afterAll(() => world[Symbol.asyncDispose]())

/** As a host of this installation lays it. */
async function lay(hostId: string, held: string): Promise<string> {
  const table = `helix_${bridgePrefix({ installation: world.installation, hostId })}`
  await nft.apply(`table inet ${table} {\n${held}\n}\n`)
  return table
}

test('the packet filter of a killed host goes; that of a living one, and one of a version before, stay', async ({ skip }) => {
  if (!host.egress.filtered) skip('this machine has no nftables, or this is not root')
  const mark = 'set held { type inet_service; elements = { 1 }; }'
  const [dead, living, before] = [await lay('dead', mark), await lay('living', mark), await lay('before', '')]
  await using hold = await TableHold.take(living)
  expect(hold).not.toBeNull()
  const own = `helix_${bridgePrefix(host.owner)}`
  expect(await host.egress.removeLeftovers()).toContain(dead)
  const tables = await nft.tables()
  expect(tables).not.toContain(dead)
  expect(tables).toEqual(expect.arrayContaining([living, before, own]))
  for (const table of [living, before]) await run('nft', ['delete', 'table', 'inet', table])
})

test('an idle session whose machine ended by itself is suspended once it was missed for a minute, and not before', async () => {
  const sessionId = world.plane.addSession()
  await startSession(host, { sessionId, epoch: 0, reason: 'test' }, new AbortController().signal)
  const collector = new Collector(host)
  await collector.collect()
  await collector.collect(Date.now() + 61_000)
  await host.suspensions.tell()
  expect(world.plane.suspensions).toEqual([])
  const session = host.registry.find(sessionId)
  await world.engine.killContainer(session?.containerId ?? '')
  await session?.gone
  await collector.collect()
  await host.suspensions.tell()
  expect(world.plane.suspensions).toEqual([])
  await collector.collect(Date.now() + 61_000)
  await host.suspensions.tell()
  expect(world.plane.suspensions).toMatchObject([{ sessionId, epoch: 1, reason: expect.stringContaining('ended by itself') }])
})
