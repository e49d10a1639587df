import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { lockFolder } from './lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'helix-lock-'))
const file = join(folder, 'lock')
afterAll(() => rmSync(folder, { recursive: true }))

test('a folder that another living process uses is refused, with its number and the way out', async () => {
  const other = spawn('sleep', ['60'])
  writeFileSync(file, String(other.pid))
  expect(() => lockFolder(file)).toThrow(new RegExp(`process ${other.pid}: stop it, or set HELIX_DATA_DIR`))
  other.kill('SIGKILL')
  await once(other, 'exit')
  lockFolder(file)[Symbol.dispose]()
})

test('the lock of a dead process is taken over, and given back', () => {
  writeFileSync(file, '4194304')
  {
    using _lock = lockFolder(file)
    expect(readFileSync(file, 'utf8')).toBe(String(process.pid))
  }
  expect(existsSync(file)).toBe(false)
})
