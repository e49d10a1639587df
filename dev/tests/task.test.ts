import { HelixError } from '@helix/contract/errors'
import { getFile, listCommits } from '@helix/contract/repositories'
import { createComment, getSpec } from '@helix/contract/reviews'
import { getJournal } from '@helix/contract/sessions'
import { approveSpec, requestSpecChanges } from '@helix/contract/task-moves'
import type { TaskStatus } from '@helix/contract/task-status'
import { getChanges, getTimeline } from '@helix/contract/task-work'
import { createTask, getTask, type Task } from '@helix/contract/tasks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../config.ts'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { createAndStart, driveToMerged, openProject, sampleStory } from '../stack/story.ts'

let scratch: Scratch
beforeAll(async () => {
  scratch = await openScratch(console.log)
})
afterAll(async () => {
  await scratch?.[Symbol.asyncDispose]()
})

async function untilStatus(task: Task, status: TaskStatus): Promise<Task> {
  for (;;) {
    const now = await scratch.call(getTask, { params: { taskId: task.id } })
    if (now.status === status) return now
    if (now.status === 'failed') throw new Error(now.failure?.message)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

test('a prompt becomes a reviewed spec, an implementation with a test, and one merge commit', async () => {
  const { call } = scratch
  const project = await openProject(call, 'whole-job', null)
  const created = await createAndStart(call, project, sampleStory, 'whole-job')
  const review = await untilStatus(created, 'spec_review')
  const params = { taskId: created.id }
  const spec = await call(getSpec, { params })
  expect(spec.documents.requirements).toContain('# ')
  expect(spec.documents.design).toContain('# ')
  expect(spec.documents.tasks).toMatch(/- \[ \]/)

  const quote = spec.documents.requirements?.split('\n').find((line) => line.trim() !== '') ?? ''
  const revisionId = spec.revision?.id
  if (revisionId === undefined || review.revision === null) throw new Error('no revision')
  await call(createComment, {
    params,
    body: { revisionId, anchor: { document: 'requirements', quote, offset: 0 }, body: 'Say it shorter.' },
  })
  await call(requestSpecChanges, { params, body: { commit: review.revision.commit, note: 'See the comment.' } })
  const second = await untilStatus(created, 'spec_review')
  expect(second.revision?.number).toBeGreaterThan(1)

  const outdated = call(approveSpec, { params, body: { commit: review.revision.commit } })
  await expect(outdated).rejects.toMatchObject({
    code: 'revision_outdated',
    message: expect.stringContaining(`${second.revision?.number}`),
  })
  const both = await Promise.allSettled([1, 2].map(() => call(approveSpec, { params, body: { commit: second.revision?.commit ?? '' } })))
  expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const refused = both.find((result) => result.status === 'rejected')?.reason
  expect(refused).toBeInstanceOf(HelixError)
  expect(refused.code).toBe('transition_refused')

  const merged = await driveToMerged(call, created.id, 300_000, () => {})
  const repositoryId = project.repositories[0]?.id
  if (repositoryId === undefined) throw new Error('no repository')
  const { items } = await call(listCommits, { params: { repositoryId } })
  expect(items[0]?.hash).toBe(merged.mergedCommit)
  expect(items.filter((commit) => commit.subject.startsWith(`Merge #${created.number}`))).toHaveLength(1)
  const changes = await call(getChanges, { params })
  expect(changes.files.some((file) => file.path.includes('test'))).toBe(true)
  const added = changes.files.find((file) => file.kind === 'added')
  await call(getFile, { params: { repositoryId }, query: { path: added?.path ?? '' } })

  if (merged.sessionId === null) throw new Error('no session')
  const journal = await call(getJournal, { params: { sessionId: merged.sessionId }, query: { after: 0, limit: 1000 } })
  expect(journal.entries.some(({ payload }) => payload.kind === 'tool')).toBe(true)
  const { steps, turns } = await call(getTimeline, { params })
  expect(steps.at(-1)?.status).toBe('merged')
  expect(turns.map((turn) => turn.kind)).toEqual(['plan', 'revise_spec', 'implement'])
})

test('Claude Code brings a task to merged too, through the other dialect', async () => {
  const project = await openProject(scratch.call, 'claude-code', null)
  const body = { prompt: 'Add a word counter', agentRuntime: 'claude_code' as const }
  const created = await scratch.call(createTask, { params: { projectId: project.id }, body })
  const merged = await driveToMerged(scratch.call, created.id, 400_000, () => {})
  expect([merged.agentRuntime, merged.mergedCommit]).toEqual(['claude_code', expect.stringMatching(/^[0-9a-f]{40}$/)])
})

test('a task runs on this very repository, imported by its path', async () => {
  const project = await openProject(scratch.call, 'helix-itself', root)
  const created = await createAndStart(scratch.call, project, sampleStory, 'helix-itself')
  const merged = await driveToMerged(scratch.call, created.id, 400_000, () => {})
  expect(merged.mergedCommit).toMatch(/^[0-9a-f]{40}$/)
})
