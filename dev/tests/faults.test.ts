import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { retryTask } from '@helix/contract/task-moves'
import { getTask, type Task } from '@helix/contract/tasks'
import { EngineSocket } from '@helix/sandbox/tests/engine-socket.ts'
import { expect, test } from 'vitest'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { createAndStart, driveToMerged, openProject, sampleStory } from '../stack/story.ts'

async function until(scratch: Scratch, task: Task, holds: (task: Task) => boolean): Promise<Task> {
  for (let look = 0; look < 4000; look++) {
    const now = await scratch.call(getTask, { params: { taskId: task.id } })
    if (holds(now)) return now
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('it never came to that')
}

test('Docker stops mid-task: the card says so, and the task goes on to merged when Docker is back', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'helix-proxy-'))
  await using proxy = await EngineSocket.open(join(folder, 'docker.sock'))
  await using scratch = await openScratch(() => {}, { DOCKER_HOST: `unix://${proxy.path}` })
  const project = await openProject(scratch.call, 'docker-stops', null)
  proxy.cut()
  const created = await createAndStart(scratch.call, project, sampleStory, 'docker-stops')
  const waiting = await until(scratch, created, ({ status, activity }) => status === 'planning' && /host|docker/i.test(activity))
  expect(waiting.failure).toBeNull()
  proxy.mend()
  const task = await driveToMerged(scratch.call, created.id, 300_000, () => {})
  expect(task.status).toBe('merged')
  rmSync(folder, { recursive: true })
})

test('a provider that answers nonsense fails the task with a reason; retry goes on once it is well', async () => {
  let well = false
  const { startOpenAiServer } = await import('../fakes/openai-server.ts')
  await using good = await startOpenAiServer()
  const front = createServer((request, response) => {
    if (!well && request.method === 'POST') {
      response.setHeader('content-type', 'text/html').end('<html>Bad gateway</html>')
      return
    }
    good.handle(request, response)
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  const { port } = front.address() as AddressInfo
  await using scratch = await openScratch(() => {}, { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, OPENAI_API_KEY: good.apiKey })
  const project = await openProject(scratch.call, 'nonsense', null)
  const created = await createAndStart(scratch.call, project, sampleStory, 'nonsense')
  const failed = await until(scratch, created, ({ status }) => status === 'failed')
  expect(failed.failure?.message).toMatch(/provider|agent/i)
  expect(failed.allowed).toContain('retry')
  expect(failed.demo).toBe(false)
  well = true
  await scratch.call(retryTask, { params: { taskId: created.id } })
  const merged = await driveToMerged(scratch.call, created.id, 300_000, () => {})
  expect(merged.status).toBe('merged')
  front.close()
})
