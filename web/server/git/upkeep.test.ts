import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { clientGit, openTestStorage } from './testing.ts'
import { createUpkeep } from './upkeep.ts'

test('many packs become one, and every commit stays', async () => {
  await using scene = await openTestStorage()
  const repo = await scene.create()
  const bare = scene.storage.folderOf(repo)
  const packs = async () => (await readdir(join(bare, 'objects/pack'))).filter((name) => name.endsWith('.pack')).length
  for (let index = 0; index < 55; index++) {
    const blob = await scene.storage.git(['hash-object', '-w', '--stdin'], { gitDir: bare, input: `blob ${index}` })
    const name = blob.stdout.toString().trim()
    await scene.storage.git(['update-ref', `refs/tags/t${index}`, name], { gitDir: bare })
    await scene.storage.git(['pack-objects', '-q', join(bare, 'objects/pack/pack')], { gitDir: bare, input: `${name}\n` })
  }
  const before = await clientGit(bare, 'for-each-ref')
  const upkeep = createUpkeep(scene.storage, { warn: (...said: unknown[]) => expect(said).toEqual([]) }, 10)
  upkeep(repo)
  upkeep(repo)
  await vi.waitFor(async () => expect(await packs()).toBe(1), 10_000)
  expect(await clientGit(bare, 'for-each-ref')).toBe(before)
  expect(await clientGit(bare, 'fsck', '--no-dangling')).toBe('')
})
