import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { removeDrafts } from './drafts.ts'

test('drafts and fetches of killed processes go; what may be under way and all else stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'helix-drafts-'))
  try {
    const [state, scratch] = [join(folder, 'state'), join(folder, 'scratch')]
    for (const path of [state, scratch, join(scratch, 'helix-pack-abc'), join(scratch, 'helix-pack-young')]) await mkdir(path)
    const files = ['id', '.17.draft', 'images.json.draft', 'credential.json', 'credential.json.17'].map((name) => join(state, name))
    for (const path of files) await writeFile(path, '')
    const long = new Date(Date.now() - 2 * 86_400_000)
    for (const path of [...files, join(scratch, 'helix-pack-abc')]) await utimes(path, long, long)
    await writeFile(join(state, '.18.draft'), '')
    expect(await removeDrafts(state, scratch)).toBe(4)
    expect((await readdir(state)).toSorted()).toEqual(['.18.draft', 'credential.json', 'id'])
    expect(await readdir(scratch)).toEqual(['helix-pack-young'])
  } finally {
    await rm(folder, { recursive: true })
  }
})
