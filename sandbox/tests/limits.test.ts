import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { usageOf } from '../src/disk/usage.ts'
import { DiskWatch } from '../src/disk/watch.ts'
import { sessionLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession } from '../src/sessions/stop.ts'
import { openWorld, until, type World } from './world.ts'

const megabyte = 1024 ** 2
let world: World
let host: Context
beforeAll(async () => {
  world = await openWorld()
  host = await world.boot()
  await host.packs.ensure('goose_code')
})
afterAll(() => world?.[Symbol.asyncDispose]())

const run = promisify(execFile)

async function session(diskBytes: number) {
  world.plane.machine = { ...world.plane.machine, diskBytes }
  const sessionId = world.plane.addSession()
  await startSession(host, { sessionId, epoch: 0, reason: 'test' }, new AbortController().signal)
  const [container] = await world.engine.listContainers(sessionLabels(host.owner, sessionId))
  const shell = async (script: string): Promise<string> =>
    (await run('docker', ['exec', '--user', 'root', container?.id ?? '', 'bash', '-c', script])).stdout.trim()
  return { sessionId, shell }
}

test('root of a session has limits that it cannot raise, and no way to what the kernel keeps of the machine', async () => {
  const { sessionId, shell } = await session(64 * megabyte)
  expect(await shell('ulimit -Hc; ulimit -Hn; ulimit -Hf')).toBe(`0\n16384\n${(64 * megabyte) / 1024}`)
  expect(await shell('(ulimit -Hn 20000; ulimit -Hf 1000000) 2>/dev/null; ulimit -Hn; ulimit -Hf')).toBe(`16384\n${(64 * megabyte) / 1024}`)
  expect(await shell('head -c 80M /dev/zero >/workspace/large 2>/dev/null; stat -c %s /workspace/large')).toBe(String(64 * megabyte))
  expect(await shell('echo core >/proc/sys/kernel/core_pattern || echo refused')).toBe('refused')
  expect(await shell('head -c 1 /proc/kcore | wc -c; ls /sys/firmware | wc -l')).toBe('0\n0')
  await removeSession(host, sessionId)
})

test('a session whose programs start others without end is still there when they are ended', async () => {
  const { sessionId, shell } = await session(1024 * megabyte)
  const bomb = 'setpriv --reuid 1000 --regid 1000 --clear-groups bash -c "for i in \\$(seq 4000); do sleep 500 & done; wait"'
  await shell(`timeout -s KILL 40 ${bomb} >/dev/null 2>&1; true`)
  expect(await shell('echo well')).toBe('well')
  await removeSession(host, sessionId)
})

test('a session that fills more disk than it may is suspended, with the reason in its conversation and its files kept', async () => {
  const { sessionId, shell } = await session(64 * megabyte)
  const disks = new DiskWatch(host, { free: () => host.monitor.free(), usageOf })
  await disks.look()
  expect(disks.usedBy(sessionId)?.bytes).toBeLessThan(64 * megabyte)
  await shell('for part in 1 2 3; do head -c 30M /dev/zero >/tmp/$part; done; head -c 1M /dev/zero >/workspace/kept')
  // The kernel counts blocks when it writes them.
  await shell('sync')
  await disks.look()
  expect(host.registry.find(sessionId)).toBeUndefined()
  const told = () => JSON.stringify([...world.plane.row(sessionId).journal.values()])
  await until(() => told().includes('fills 0.1 GiB of its 0.1 GiB of disk'))
  // Its layer went with the container, so that it starts again.
  await startSession(host, { sessionId, epoch: world.plane.row(sessionId).epoch, reason: 'test' }, new AbortController().signal)
  await new DiskWatch(host, { free: () => host.monitor.free(), usageOf }).look()
  const [container] = await world.engine.listContainers(sessionLabels(host.owner, sessionId))
  expect((await run('docker', ['exec', container?.id ?? '', 'stat', '-c', '%s', '/workspace/kept'])).stdout.trim()).toBe(String(megabyte))
  await removeSession(host, sessionId)
})
