import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeWhole } from './whole-file.ts'

test('a file is replaced as a whole, for its user alone, and nothing is left beside it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hx-whole-'))
  const path = join(folder, 'kept.json')
  await writeWhole(path, 'first')
  await writeWhole(path, 'second')
  expect(await readFile(path, 'utf8')).toBe('second')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['kept.json'])
  await expect(writeWhole(join(folder, 'none', 'kept.json'), 'x')).rejects.toThrow('ENOENT')
  await rm(folder, { recursive: true })
})
