import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HelixError } from '@helix/contract/errors'
import { createProject, listProjects } from '@helix/contract/projects'
import { createRepository, listRepositories } from '@helix/contract/repositories'
import { createTask, getTask } from '@helix/contract/tasks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Installation, openInstallation } from './pages/installation.ts'

const folder = mkdtempSync(join(tmpdir(), 'helix-full-'))
const mounted = process.getuid?.() === 0 && process.platform === 'linux'
const data = join(folder, 'data')
let installation: Installation

beforeAll(async () => {
  if (!mounted) return
  mkdirSync(data)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', data])
  installation = await openInstallation(data)
})
afterAll(async () => {
  await installation?.[Symbol.asyncDispose]()
  if (mounted) execFileSync('umount', [data])
  rmSync(folder, { recursive: true, force: true })
})

/** Leaves no byte of the data folder free. */
function fill(): () => void {
  const file = join(data, 'filler')
  const { bavail, bsize } = statfsSync(data)
  writeFileSync(file, Buffer.alloc(bavail * bsize))
  return () => rmSync(file)
}

async function failureOf(work: Promise<unknown>): Promise<HelixError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error instanceof HelixError) return error
  throw new Error('it did not fail as the API fails', { cause: error })
}

test('a full data folder is said so, with the way out; what was stored stays, and all goes on when there is room', async ({ skip }) => {
  if (!mounted) skip('a small file system of its own needs root on Linux')
  const { call } = installation
  const repository = await call(createRepository, { body: { name: 'before', source: { kind: 'sample' } } })
  const project = await call(createProject, { body: { name: 'Before', repositoryIds: [repository.id] } })
  const add = (prompt: string) => call(createTask, { params: { projectId: project.id }, body: { prompt, start: false } })
  const before = await add('Stored before the disk was full')
  const empty = fill()
  const failures = [await failureOf(call(createRepository, { body: { name: 'while-full', source: { kind: 'sample' } } }))]
  for (let count = 0; count < 200 && failures.length < 2; count++)
    await add('x'.repeat(100_000)).catch((error: HelixError) => failures.push(error))
  expect(failures).toHaveLength(2)
  for (const failure of failures) {
    expect(failure.code).toBe('storage_full')
    expect(failure.requestId).toMatch(/\S/)
  }
  empty()
  expect((await call(getTask, { params: { taskId: before.id } })).prompt).toBe('Stored before the disk was full')
  await add('Stored after there was room again')
  expect((await call(listRepositories, { query: {} })).items.map(({ name }) => name)).toEqual(['before'])
  await call(createRepository, { body: { name: 'while-full', source: { kind: 'sample' } } })
  expect((await call(listProjects, { query: {} })).items).toHaveLength(1)
})
