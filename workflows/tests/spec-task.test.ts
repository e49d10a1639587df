import type { PromptId } from '@helix/contract/ids'
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { slotFreedSignal, specTaskWorkflowId } from '../src/messages.ts'
import type { FakeTask } from './fake-control.ts'
import { ended } from './fake-host.ts'
import { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(() => {
  const { control, host } = world
  control.limit = 3
  control.assess = () => ({ complete: true, missing: null, commit: null })
  control.merge = () => ({ outcome: 'merged', commit: 'c'.repeat(40) })
  control.before = () => {}
  control.approvalsNeeded = 1
  control.refuseApproval = null
  control.approvers.clear()
  control.remindInMs = () => null
  host.play = (promptId) => ended(promptId)
})

const workflow = (task: FakeTask) => world.temporal.client.workflow.getHandle(specTaskWorkflowId(task.taskId))
const kinds = (task: FakeTask) => world.control.promptsOf(task.taskId).map(({ kind }) => kind)
const approveSpec = (task: FakeTask) => world.ask(task, 'approve_spec', { commit: world.control.specCommit })
const approveCode = (task: FakeTask) => world.ask(task, 'approve_implementation', { commit: world.control.branchCommit })

async function inReview(set: Partial<FakeTask> = {}): Promise<FakeTask> {
  const task = await world.startTask(set)
  await world.until(task, 'spec_review')
  return task
}

async function implemented(): Promise<FakeTask> {
  const task = await inReview()
  await approveSpec(task)
  await world.until(task, 'implementation_review')
  return task
}

test('a task goes from the backlog to merged by two prompts, and its session goes with it', async () => {
  const task = await implemented()
  await approveCode(task)
  await workflow(task).result()
  const whole = 'backlog queued_planning planning spec_review queued_implementation implementing implementation_review pull_request merged'
  expect(task.story).toEqual(whole.split(' '))
  expect(kinds(task)).toEqual(['plan', 'implement'])
  expect(task.mergedCommit).toBe('c'.repeat(40))
  const { sessionId } = task
  await world.eventually(() => sessionId !== null && world.host.removed.includes(sessionId))
  expect(sessionId !== null && world.control.sessions.get(sessionId)?.states).toEqual(['stopped'])
  expect(task.holds).toBe(null)
  const description = await workflow(task).describe()
  expect(description.searchAttributes.HelixStatus).toEqual(['merged'])
})

test('of two people who approve at once, one is told that it was done', async () => {
  const task = await inReview()
  const verdicts = await Promise.all([approveSpec(task), approveSpec(task)])
  expect(verdicts.filter(({ accepted }) => accepted)).toHaveLength(1)
  expect(verdicts.find(({ accepted }) => !accepted)).toMatchObject({
    code: 'transition_refused',
    reason: expect.stringMatching(/cannot have its spec approved/),
  })
  await world.until(task, 'implementation_review')
  expect(kinds(task)).toEqual(['plan', 'implement'])
})

const person = (number: number) => `usr_0000000000000000000000000${number}`

test('of two approvals that are needed the first counts and the second moves the task, also across a worker’s death', async () => {
  world.control.approvalsNeeded = 2
  const task = await inReview()
  const approve = (number: number) => world.ask(task, 'approve_spec', { commit: world.control.specCommit, actorId: person(number) })
  expect(await approve(1)).toEqual({ accepted: true, status: 'spec_review', code: null, reason: '1 of 2 approvals' })
  expect(await approve(1)).toMatchObject({ accepted: true, status: 'spec_review', reason: '1 of 2 approvals' })
  expect(task.status).toBe('spec_review')
  await world.stopControlWorker()
  const last = approve(2)
  await world.startControlWorker()
  expect(await last).toEqual({ accepted: true, status: 'queued_implementation', code: null, reason: null })
  await world.until(task, 'implementation_review')
  expect(kinds(task)).toEqual(['plan', 'implement'])
})

test('an approval that a rule of the project refuses moves nothing and says why', async () => {
  world.control.refuseApproval = '2 threads are open'
  const task = await inReview()
  expect(await approveSpec(task)).toEqual({
    accepted: false,
    status: 'spec_review',
    code: 'transition_refused',
    reason: '2 threads are open',
  })
  expect(task.status).toBe('spec_review')
})

test('a rejected spec puts the task back into the backlog with the reason, and it can be started again', async () => {
  const task = await inReview()
  const verdict = await world.ask(task, 'reject_spec', { commit: world.control.specCommit, note: 'We buy it instead' })
  expect(verdict).toMatchObject({ accepted: true, status: 'backlog' })
  expect(task.activity).toBe('Spec rejected: We buy it instead')
  await world.eventually(() => task.holds === null)
  await world.ask(task, 'start')
  await world.until(task, 'spec_review')
  expect(kinds(task)).toEqual(['plan', 'plan'])
})

test('who reviews is reminded at growing intervals while the task waits, and never after', async () => {
  const { control } = world
  control.remindInMs = (count) => (count < 3 ? 100 * 2 ** count : null)
  const of = (task: FakeTask) => control.reminders.filter(({ taskId }) => taskId === task.taskId).map(({ step, count }) => [step, count])
  const task = await inReview()
  await world.eventually(() => of(task).length === 4)
  expect(of(task)).toEqual([0, 1, 2, 3].map((count) => [3, count]))
  control.remindInMs = (count) => (count === 0 ? 50 : 600_000)
  await approveSpec(task)
  await world.until(task, 'implementation_review')
  await world.eventually(() => of(task).length === 6)
  expect(of(task).slice(4)).toEqual([
    [task.step, 0],
    [task.step, 1],
  ])
})

test('a question in a thread goes to the session while the task stays in review, each in its turn and once', async () => {
  const task = await inReview()
  const before = task.story.length
  const asked = ['prm_question00000000000000001', 'prm_question00000000000000002'] as PromptId[]
  for (const promptId of asked) world.control.addPrompt(task.taskId, promptId)
  const tell = (promptId?: PromptId) => workflow(task).signal('personPrompt', { promptId, mode: 'queue' })
  await tell(asked[0])
  await world.stopControlWorker()
  await tell(asked[1])
  await tell(asked[1])
  await world.startControlWorker()
  await world.eventually(() => asked.every((id) => world.control.prompt(id).turn === 'end_turn'))
  expect(world.host.sent.filter((id) => asked.includes(id))).toEqual(asked)
  expect([task.status, task.story.length]).toEqual(['spec_review', before])
  expect((await approveSpec(task)).accepted).toBe(true)
})

test('a request that comes twice by its id is handled once, with one answer', async () => {
  const task = await inReview()
  const ask = () => world.ask(task, 'approve_spec', { commit: world.control.specCommit, id: 'the-same' })
  const [first, second] = await Promise.all([ask(), ask()])
  expect(first).toEqual({ accepted: true, status: 'queued_implementation', code: null, reason: null })
  expect(second).toEqual(first)
})

test('an approval of an older revision is refused with the newer one named, and nothing moves', async () => {
  const task = await inReview()
  const verdict = await world.ask(task, 'approve_spec', { commit: 'd'.repeat(40) })
  expect(verdict).toMatchObject({
    accepted: false,
    code: 'revision_outdated',
    reason: `The newest revision is ${world.control.specCommit}`,
  })
  expect(task.status).toBe('spec_review')
})

test('an approval of a branch that moved is refused', async () => {
  const verdict = await world.ask(await implemented(), 'approve_implementation', { commit: 'd'.repeat(40) })
  expect(verdict).toMatchObject({ accepted: false, code: 'branch_moved' })
})

test('requested changes go to the agent as a prompt, for the spec and for the implementation', async () => {
  const task = await inReview()
  await world.ask(task, 'request_spec_changes', { commit: world.control.specCommit, note: 'Name the unit' })
  await world.eventually(() => task.story.filter((status) => status === 'spec_review').length === 2)
  await approveSpec(task)
  await world.until(task, 'implementation_review')
  await world.ask(task, 'request_implementation_changes', { note: 'And a test' })
  await world.eventually(() => task.story.filter((status) => status === 'implementation_review').length === 2)
  expect(world.control.promptsOf(task.taskId).map(({ kind, note }) => [kind, note])).toEqual([
    ['plan', null],
    ['revise_spec', 'Name the unit'],
    ['implement', null],
    ['revise_implementation', 'And a test'],
  ])
})

test('a task that needs no spec is implemented at once', async () => {
  const task = await world.startTask({ justDoIt: true })
  await world.until(task, 'implementation_review')
  expect(kinds(task)).toEqual(['implement'])
})

test('an agent that brings no spec is told twice, then the task fails, and a retry goes on', async () => {
  world.control.assess = () => ({ complete: false, missing: 'requirements.md is missing.', commit: null })
  const task = await world.startTask()
  await world.until(task, 'failed')
  expect(kinds(task)).toEqual(['plan', 'nudge', 'nudge'])
  expect(task.failure).toEqual({ code: 'no_spec', message: 'requirements.md is missing. The agent was told 2 times.' })
  await world.eventually(() => task.holds === null)
  world.control.assess = () => ({ complete: true, missing: null, commit: null })
  expect((await world.ask(task, 'retry')).accepted).toBe(true)
  await world.until(task, 'spec_review')
})

test('an error that may pass is told to the agent; one that cannot fails the task at once, with its reason', async () => {
  const passing = (promptId: PromptId) =>
    world.control.prompt(promptId).kind === 'plan'
      ? ended(promptId, { outcome: 'error', message: 'cut off', retryable: true })
      : ended(promptId)
  world.host.play = passing
  expect(kinds(await inReview())).toEqual(['plan', 'nudge'])
  world.host.play = (promptId) => ended(promptId, { outcome: 'error', message: 'The provider refused the key (401).', retryable: false })
  const task = await world.startTask()
  await world.until(task, 'failed')
  expect(kinds(task)).toEqual(['plan'])
  expect(task.failure).toEqual({ code: 'agent_failed', message: 'The provider refused the key (401).' })
})

test('a task sent back to the backlog in mid-turn cancels the turn, gives its place back, and can be started again', async () => {
  world.control.limit = 1
  world.host.play = (promptId) => world.host.untilCancelled(promptId)
  const task = await world.startTask()
  await world.until(task, 'planning')
  await world.eventually(() => world.control.promptsOf(task.taskId).some(({ turn }) => turn === 'running'))
  expect((await world.ask(task, 'back_to_backlog')).accepted).toBe(true)
  await world.eventually(() => world.control.promptsOf(task.taskId).every(({ turn }) => turn === 'cancelled'))
  expect([task.status, task.holds]).toEqual(['backlog', null])
  world.host.play = (promptId) => ended(promptId)
  await world.ask(task, 'start')
  await world.until(task, 'spec_review')
})

test('an archived task ends its session, and is restored to the backlog by a workflow that starts anew', async () => {
  const task = await inReview()
  await world.ask(task, 'archive')
  await workflow(task).result()
  await world.eventually(() => task.sessionId !== null && world.host.removed.includes(task.sessionId))
  await world.openTask(task.taskId)
  expect((await world.ask(task, 'restore')).status).toBe('backlog')
})

test('archiving is undone in mid-turn: the task queues again, and its session begins a new life once the last one has ended', async () => {
  world.host.play = (promptId) => world.host.untilCancelled(promptId)
  const task = await world.startTask()
  await world.until(task, 'planning')
  await world.eventually(() => world.host.sent.length > 0 && world.control.promptsOf(task.taskId).length === 1)
  world.host.play = (promptId) => ended(promptId)
  await world.ask(task, 'archive')
  await world.openTask(task.taskId)
  expect((await world.ask(task, 'undo_archive')).status).toBe('queued_planning')
  await world.until(task, 'spec_review')
  expect(task.story.slice(-4)).toEqual(['archived', 'queued_planning', 'planning', 'spec_review'])
  expect(world.host.removed).toContain(task.sessionId)
})

test('a failed task whose archiving is undone has failed where it failed, and is tried again from there', async () => {
  world.host.play = async (promptId) => ({ promptId, outcome: 'error', message: 'No credit', retryable: false })
  const task = await world.startTask({ justDoIt: true })
  await world.until(task, 'failed')
  await world.ask(task, 'archive')
  await world.openTask(task.taskId)
  expect((await world.ask(task, 'undo_archive')).status).toBe('failed')
  expect(task.failedFrom).toBe('implementing')
  world.host.play = (promptId) => ended(promptId)
  await world.ask(task, 'retry')
  await world.until(task, 'implementation_review')
})

test('a task over the limit waits in its place, and goes on when the place is free', async () => {
  world.control.limit = 1
  world.host.play = (promptId) => world.host.untilCancelled(promptId)
  const first = await world.startTask()
  await world.until(first, 'planning')
  const second = await world.startTask()
  await world.eventually(() => second.activity.startsWith('Waits behind'))
  expect(second.status).toBe('queued_planning')
  world.host.play = (promptId) => ended(promptId)
  await world.ask(first, 'archive')
  await world.until(second, 'spec_review')
})

test('an agent that never ends its turn fails the task when its time is up, and the turn is cancelled', async () => {
  world.host.play = (promptId) => world.host.untilCancelled(promptId)
  const task = await world.startTask({ workDeadlineMs: 1500 })
  await world.until(task, 'failed')
  expect(task.failure?.code).toBe('deadline')
  await world.eventually(() => world.control.promptsOf(task.taskId).every(({ turn }) => turn === 'cancelled'))
})

test('a merge that conflicts goes back to the agent, and the new commit is approved anew', async () => {
  const task = await implemented()
  world.control.merge = () => ({ outcome: 'conflict', files: ['src/index.ts'] })
  await approveCode(task)
  await world.eventually(() => kinds(task).includes('resolve_conflict'))
  await world.until(task, 'implementation_review')
  world.control.merge = () => ({ outcome: 'merged', commit: 'c'.repeat(40) })
  await approveCode(task)
  await workflow(task).result()
  expect(task.story.slice(-5)).toEqual(['pull_request', 'implementing', 'implementation_review', 'pull_request', 'merged'])
})

test('a merge that cannot be done fails the task with the reason, and a retry merges the same commit', async () => {
  const task = await implemented()
  world.control.before = (name) => {
    if (name === 'mergeTask') throw ApplicationFailure.nonRetryable('the repository is read-only')
  }
  await approveCode(task)
  await world.until(task, 'failed')
  expect(task.failure).toEqual({ code: 'merge_failed', message: 'mergeTask failed: the repository is read-only' })
  world.control.before = () => {}
  await world.ask(task, 'retry')
  await workflow(task).result()
  expect(task.mergedCommit).toBe('c'.repeat(40))
})

test('work that cannot begin fails with the reason instead of standing on the board for ever', async () => {
  world.control.before = (name) => {
    if (name === 'openSession') throw ApplicationFailure.nonRetryable('the project has no repository')
  }
  const task = await world.startTask()
  await world.until(task, 'failed')
  expect(task.failure).toEqual({ code: 'internal', message: 'openSession failed: the project has no repository' })
})

test('a control plane that is away for a while loses nothing', async () => {
  let away = 5
  world.control.before = () => {
    if (away-- > 0) throw new Error('connect ECONNREFUSED')
  }
  const task = await inReview()
  expect(task.story).toEqual(['backlog', 'queued_planning', 'planning', 'spec_review'])
  expect(kinds(task)).toEqual(['plan'])
})

test('a row that was moved elsewhere is read again before the table is asked', async () => {
  const task = await inReview()
  task.step += 1
  task.status = 'implementation_review'
  expect(await approveSpec(task)).toMatchObject({ accepted: false, code: 'transition_refused', status: 'implementation_review' })
  expect((await approveCode(task)).accepted).toBe(true)
})

test('a worker that dies in mid-task is followed by one that replays and goes on', async () => {
  const task = await inReview()
  await world.stopControlWorker()
  const verdict = approveSpec(task)
  await world.startControlWorker()
  expect((await verdict).accepted).toBe(true)
  await world.until(task, 'implementation_review')
  expect(kinds(task)).toEqual(['plan', 'implement'])
})

test('after five hundred messages the workflow goes on in a new run, with what it knew', async () => {
  const task = await implemented()
  const first = (await workflow(task).describe()).runId
  await Promise.all(Array.from({ length: 500 }, () => workflow(task).signal(slotFreedSignal)))
  for (let runId = first; runId === first; ) runId = (await workflow(task).describe()).runId
  await approveCode(task)
  await workflow(task).result()
  expect(task.status).toBe('merged')
  expect(kinds(task)).toEqual(['plan', 'implement'])
})
