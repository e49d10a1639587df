import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { groupMemory, roomOf } from './memory.ts'

/** A tree of control groups, and what the kernel says which of them is this process's. */
async function groups(own: string, files: Record<string, string>): Promise<AsyncDisposable & { look(): ReturnType<typeof groupMemory> }> {
  const folder = await mkdtemp(join(tmpdir(), 'helix-groups-'))
  for (const [path, text] of Object.entries({ ...files, own })) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return {
    look: () => groupMemory(1000, folder, join(folder, 'own')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

test('the kernel’s figures are what programs may still take, and nothing where it does not say', () => {
  expect(roomOf('MemTotal:       2048 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\n')).toEqual({ total: 2 * 1024 ** 2, free: 1024 ** 2 })
  expect(roomOf('MemTotal: 2048 kB\n')).toBeNull()
  expect(roomOf('')).toBeNull()
})

test('limits of the control groups above count too, without pages of files that nobody needs', async () => {
  await using tree = await groups('0::/pod/host\n', {
    'pod/host/memory.max': 'max\n',
    'pod/memory.max': '400\n',
    'pod/memory.current': '350\n',
    'pod/memory.stat': 'anon 1\ninactive_file 50\n',
  })
  expect(await tree.look()).toEqual([{ total: 400, free: 100 }])
})

test('the first version of control groups is read as well, where its figure for no limit is one', async () => {
  await using tree = await groups('5:cpu:/x\n4:memory:/a/b\n0::/\n', {
    'memory/a/b/memory.limit_in_bytes': '300\n',
    'memory/a/b/memory.usage_in_bytes': '290\n',
    'memory/a/memory.limit_in_bytes': '9223372036854771712\n',
  })
  expect(await tree.look()).toEqual([{ total: 300, free: 10 }])
})

test('without control groups nothing is said', async () => {
  await using tree = await groups('', {})
  expect(await tree.look()).toEqual([])
})
