import { link, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionId } from '@helix/contract/ids'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Host } from '../host.ts'
import { Suspensions } from '../sessions/suspensions.ts'
import { allowedFrom, diskLabels, diskLimitsOf } from './limits.ts'
import { type Usage, usageOf } from './usage.ts'
import { DiskWatch } from './watch.ts'

const gigabyte = 1024 ** 3
const sessionId = 'ses_one' as SessionId

/** A host with one session that may fill a gigabyte, and what it did with it. */
function world() {
  const said: string[] = []
  const session = { sessionId, containerId: 'c1', link: { notice: (text: string) => said.push(text) }, journal: { drained: true } }
  let running = [session]
  const seen = {
    used: { bytes: 0, files: 10 } as Usage | null,
    free: { bytes: 100 * gigabyte, files: 1e6 },
    counts: 0,
    removed: 0,
    told: [] as string[],
  }
  const engine = {
    inspectContainer: async () => ({ labels: diskLabels({ diskBytes: gigabyte }) }),
    writtenFolders: async () => ['/somewhere'],
    listContainers: async () => (running.length === 0 ? [] : [{ id: 'c1', running: true }]),
    stopContainer: async () => undefined,
    removeContainer: async () => void seen.removed++,
    listNetworks: async () => [],
  }
  const registry = {
    all: () => running,
    find: () => running[0],
    drop: (_: unknown, reason: string) => {
      said.push(reason)
      running = []
    },
    dropClaim: () => undefined,
    alone: (_: unknown, work: () => Promise<unknown>) => work(),
  }
  const owner = { installation: 'test', hostId: 'host' }
  const controlPlane = { reportSuspension: async (_: unknown, { reason }: { reason: string }) => void seen.told.push(reason) }
  const host = { engine, registry, owner, controlPlane, log: pino({ level: 'silent' }) } as unknown as Host
  Object.assign(host, { suspensions: new Suspensions(host) })
  const counting = async () => {
    seen.counts++
    return seen.used
  }
  const watch = new DiskWatch(host, { free: async () => seen.free, usageOf: counting })
  return { watch, seen, said, startAgain: () => (running = [{ ...session, containerId: 'c2' }]) }
}

test('a session that fills more than it may is told so in its conversation, and then suspended', async () => {
  const { watch, seen, said } = world()
  await watch.look()
  seen.used = { bytes: 1.5 * gigabyte, files: 10 }
  seen.free = { ...seen.free, bytes: 98 * gigabyte }
  await watch.look()
  expect(seen.removed).toBe(1)
  expect(said).toHaveLength(2)
  expect(said[0]).toContain('fills 1.5 GiB of its 1.0 GiB of disk')
  expect(said[1]).toBe(said[0])
  expect(seen.told).toEqual([said[0]])
})

test('one that makes more files than fit is suspended too', async () => {
  const { watch, seen, said } = world()
  await watch.look()
  seen.used = { bytes: gigabyte / 2, files: 70_000 }
  seen.free = { ...seen.free, files: seen.free.files - 70_000 }
  await watch.look()
  expect(said[0]).toContain('more than the 65536 files')
})

test('files are counted when the disk lost much, when a machine is new, and now and then', async () => {
  const { watch, seen } = world()
  await watch.look(0)
  await watch.look(2000)
  expect(seen.counts).toBe(1)
  seen.free = { ...seen.free, bytes: seen.free.bytes - 0.4 * gigabyte }
  await watch.look(4000)
  expect(seen.counts).toBe(1)
  seen.free = { ...seen.free, bytes: seen.free.bytes - 0.2 * gigabyte }
  await watch.look(6000)
  expect(seen.counts).toBe(2)
  await watch.look(400_000)
  expect(seen.counts).toBe(3)
})

test('who begins above the limit may clear up, and not go on', async () => {
  const { watch, seen, startAgain } = world()
  startAgain()
  seen.used = { bytes: 1.05 * gigabyte, files: 10 }
  await watch.look(0)
  expect(seen.removed).toBe(0)
  seen.used = { bytes: 1.12 * gigabyte, files: 10 }
  await watch.look(400_000)
  expect(seen.removed).toBe(1)
  expect(allowedFrom({ bytes: 100, files: 100 }, { bytes: 99, files: 1 })).toEqual({ bytes: 100, files: 100 })
  expect(allowedFrom({ bytes: gigabyte, files: 100 }, { bytes: 3 * gigabyte, files: 1 }).bytes).toBe(3 * gigabyte + 64 * 1024 ** 2)
})

test('where the disk cannot be read nobody is suspended', async () => {
  const { watch, seen } = world()
  seen.used = null
  await watch.look()
  await watch.look()
  expect([seen.removed, seen.counts]).toEqual([0, 1])
  expect(diskLimitsOf({})).toBeNull()
})

test('a folder is counted with its blocks, a file with two names once, and no longer than asked', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'helix-usage-'))
  try {
    await writeFile(join(folder, 'one'), Buffer.alloc(1024 ** 2, 1))
    await link(join(folder, 'one'), join(folder, 'two'))
    const all = await usageOf([folder], 1000)
    expect(all?.files).toBe(3)
    expect(all?.bytes).toBeGreaterThanOrEqual(1024 ** 2)
    expect(all?.bytes).toBeLessThan(1.5 * 1024 ** 2)
    for (let index = 0; index < 200; index++) await writeFile(join(folder, `f${index}`), '')
    expect((await usageOf([folder], 50))?.files).toBe(51)
    expect(await usageOf([join(folder, 'missing')], 50)).toBeNull()
  } finally {
    await rm(folder, { recursive: true })
  }
})
