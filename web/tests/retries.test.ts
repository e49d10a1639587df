import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addProject, addTask } from '../server/internal/testing.ts'
import { TemporalClient } from '../server/temporal.ts'
import { openTestServer, type TestServer } from '../server/testing/server.ts'

const attributes = JSON.parse(readFileSync(new URL('../../temporal/search-attributes.json', import.meta.url), 'utf8')) as string[]
const workerProgram = new URL('../../workers/src/main.ts', import.meta.url).pathname
const address = `127.0.0.1:${randomInt(200, 600) * 100}`
const children: ChildProcess[] = []
let server: TestServer
let temporal: TemporalClient

const run = (program: string, args: string[], env: Record<string, string> = {}): void => {
  children.push(spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...env } }))
}

beforeAll(async () => {
  const flags = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', address.split(':')[1] ?? '', '--log-level', 'error']
  run(process.env.HELIX_TEMPORAL_BIN ?? 'temporal', [...flags, ...attributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`])])
  server = await openTestServer({ TEMPORAL_ADDRESS: address, TEMPORAL_UI_URL: 'http://temporal.example' })
  temporal = new TemporalClient(server.context.config, server.context.db)
})
afterAll(async () => {
  await temporal?.[Symbol.asyncDispose]()
  for (const child of children) child.kill('SIGKILL')
  await server?.[Symbol.asyncDispose]()
})

test('Temporal tells who takes work, and what is tried again with its failure and where to look', async () => {
  const version = () => temporal.serverVersion().catch(() => '')
  await expect.poll(version, { timeout: 50_000 }).toMatch(/^\d+\.\d+/)
  expect((await temporal.queues()).map(({ queue, kind, pollers }) => [queue, kind, pollers])).toEqual([
    ['helix', 'workflow', 0],
    ['helix', 'activity', 0],
    ['sandbox', 'activity', 0],
  ])
  expect(await temporal.retries()).toEqual({ items: [], looked: 0, more: false })
  const owner = await server.addPerson()
  const task = await addTask(owner, await addProject(owner))
  await temporal.startTask(task.id)
  // Nothing listens there: every activity fails and is tried again.
  const env = {
    TEMPORAL_ADDRESS: address,
    HELIX_CONTROL_PLANE_URL: 'http://127.0.0.1:1',
    HELIX_WORKER_TOKEN: 'w'.repeat(40),
    LOG_LEVEL: 'error',
  }
  run(process.execPath, [workerProgram], env)
  await expect.poll(async () => (await temporal.retries()).items.length, { timeout: 60_000, interval: 500 }).toBeGreaterThan(0)
  const { items, looked, more } = await temporal.retries()
  expect({ looked, more }).toEqual({ looked: 1, more: false })
  expect(items[0]).toMatchObject({
    workflowId: `spec-task/${task.id}`,
    attempt: expect.any(Number),
    lastFailure: expect.stringMatching(/\S/),
  })
  expect(items[0]?.attempt).toBeGreaterThan(1)
  expect(items[0]?.url).toContain(`http://temporal.example/namespaces/default/workflows/spec-task%2F${task.id}/`)
  expect((await temporal.queues()).find(({ kind }) => kind === 'activity')?.pollers).toBeGreaterThan(0)
})
