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
  const program = `import('${new URL('./lock.ts', import.meta.url)}').then(({ lockFolder }) => (lockFolder('${file}'), console.log('locked')))`
  const other = spawn(process.execPath, ['-e', `${program}; setInterval(() => {}, 1000)`], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(other.stdout, 'data')
  expect(() => lockFolder(file)).toThrow(new RegExp(`process ${other.pid}: stop it, or set HELIX_DATA_DIR`))
  other.kill('SIGKILL')
  await once(other, 'exit')
  lockFolder(file)[Symbol.dispose]()
})

test('the lock of a dead process is taken over, also when its number is another’s by now, and given back', () => {
  writeFileSync(file, `${process.ppid} 1`)
  {
    using _lock = lockFolder(file)
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`^${process.pid} `))
  }
  expect(existsSync(file)).toBe(false)
})
