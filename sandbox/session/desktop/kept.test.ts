import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { AgentUser } from '../user.ts'
import { Kept, type KeptInput } from './kept.ts'

const user: AgentUser = { ids: null, home: '/', env: { PATH: process.env.PATH ?? '' } }
const log = { info: () => undefined, warn: () => undefined }

function keep(script: string, more: Partial<KeptInput> = {}): Kept {
  return new Kept({
    name: 'it',
    user,
    cwd: '/',
    command: 'sh',
    args: ['-c', script],
    env: {},
    log,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...more,
  })
}

const descriptors = async () => (await readdir('/proc/self/fd')).length

test('two hundred restarts leave no descriptor behind', async () => {
  let begun = Promise.withResolvers<void>()
  const kept = keep('read line', { began: () => begun.resolve() })
  kept.start()
  const before = await descriptors()
  for (let restart = 0; restart < 200; restart++) {
    begun = Promise.withResolvers()
    kept.signal('SIGKILL')
    while (kept.pid !== null) await new Promise((resolve) => setImmediate(resolve))
    kept.start()
    await begun.promise
  }
  expect(kept.starts).toBe(201)
  kept.stop('SIGKILL')
  while (kept.pid !== null) await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await descriptors()).toBeLessThanOrEqual(before)
})

test('what always fails is given up with its own last words', async () => {
  const gaveUp = Promise.withResolvers<string>()
  const kept = keep('echo first >&2; echo "no such screen" >&2; exit 3', { gaveUp: gaveUp.resolve })
  kept.start()
  expect(await gaveUp.promise).toBe('it ended with code 3: no such screen')
  expect(kept.starts).toBe(7)
})

test('a program that is not there is a failure like others, and what is stopped stays so', async () => {
  const gaveUp = Promise.withResolvers<string>()
  keep('', { command: '/no/such/program', gaveUp: gaveUp.resolve }).start()
  expect(await gaveUp.promise).toContain('it cannot be started')
  const stopped = keep('sleep 100')
  stopped.start()
  stopped.stop()
  while (stopped.pid !== null) await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(stopped.starts).toBe(1)
})
