import { randomUUID } from 'node:crypto'
import type { PromptId } from '@helix/contract/ids'
import type { PromptMode } from '@helix/contract/task-work'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { agentSessionWorkflowId, cancelTurnSignal, personPromptSignal, specTaskWorkflowId } from '../src/messages.ts'
import type { FakeTask } from './fake-control.ts'
import { ended } from './fake-host.ts'
import { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(() => {
  world.control.before = () => {}
  world.host.play = (promptId) => ended(promptId)
})

/** A task whose agent works on its first prompt and does not end by itself. */
async function working(set: Partial<FakeTask> = {}): Promise<{ task: FakeTask; first: PromptId }> {
  world.host.play = (promptId) => world.host.untilCancelled(promptId)
  const task = await world.startTask({ justDoIt: true, ...set })
  await world.eventually(() => world.control.promptsOf(task.taskId).some(({ promptId }) => world.host.sent.includes(promptId)))
  return { task, first: newest(task) }
}

const newest = (task: FakeTask): PromptId => world.control.promptsOf(task.taskId).at(-1)?.promptId ?? ('' as never)
const sentOf = (task: FakeTask): (string | undefined)[] =>
  world.host.sent.flatMap((id) => world.control.promptsOf(task.taskId).filter(({ promptId }) => promptId === id)).map(({ kind }) => kind)

async function say(task: FakeTask, mode: PromptMode): Promise<PromptId> {
  const { promptId } = await world.control.preparePrompt({ taskId: task.taskId, key: randomUUID(), kind: 'person', note: null })
  await world.temporal.client.workflow.getHandle(specTaskWorkflowId(task.taskId)).signal(personPromptSignal, { promptId, mode })
  return promptId
}

const session = (task: FakeTask) => world.temporal.client.workflow.getHandle(agentSessionWorkflowId(task.sessionId ?? ('' as never)))

/** How many messages have come to the session's workflow since it began with its first. */
async function promptsSignalled(task: FakeTask): Promise<number> {
  const { events } = await session(task).fetchHistory()
  return events?.filter((event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'prompt').length ?? 0
}

test('what steers cuts the running turn short, and its turn is the work from then on, however often', async () => {
  const { task, first } = await working()
  let running = first
  for (let round = 1; round <= 3; round++) {
    const message = await say(task, 'steer')
    await world.eventually(() => world.host.sent.includes(message))
    expect(world.control.prompt(running).turn).toBe('cancelled')
    running = message
  }
  expect([task.status, sentOf(task)]).toEqual(['implementing', ['implement', 'person', 'person', 'person']])
  world.host.play = (promptId) => ended(promptId)
  const last = await say(task, 'steer')
  await world.until(task, 'implementation_review')
  expect(world.control.prompt(last).turn).toBe('end_turn')
  // Nobody had to tell the agent to go on.
  expect(sentOf(task)).toEqual(['implement', 'person', 'person', 'person', 'person'])
})

test('a message that interrupts ends the turn and is heard at once; then the work waits for a person', async () => {
  const { task, first } = await working()
  world.host.play = (promptId) => ended(promptId)
  const message = await say(task, 'interrupt')
  await world.eventually(() => world.control.prompt(message).turn === 'end_turn')
  await world.eventually(() => task.activity === 'Interrupted by a person: send a message to go on')
  expect(world.control.prompt(first).turn).toBe('cancelled')
  expect([task.status, sentOf(task)]).toEqual(['implementing', ['implement', 'person']])
  await say(task, 'queue')
  await world.until(task, 'implementation_review')
  expect(sentOf(task)).toEqual(['implement', 'person', 'person'])
})

/** A task whose session does not start before it is told to; answers with what lets it. */
async function starting(): Promise<{ task: FakeTask; first: PromptId; start: () => void }> {
  const gate = Promise.withResolvers<void>()
  const startSession = world.host.startSession.bind(world.host)
  world.host.startSession = async (input) => {
    await gate.promise
    return startSession(input)
  }
  const start = (): void => {
    world.host.startSession = startSession
    gate.resolve()
  }
  const task = await world.startTask({ justDoIt: true })
  await world.eventually(() => world.control.sessions.get(task.sessionId ?? ('' as never))?.queue === world.host.queue)
  return { task, first: newest(task), start }
}

test('what steers goes before what waits, and leaves a turn alone that the agent has not heard of', async () => {
  const { task, first, start } = await starting()
  try {
    const queued = await say(task, 'queue')
    const next = await say(task, 'steer')
    await expect.poll(() => promptsSignalled(task), { timeout: 30_000 }).toBe(2)
    start()
    await world.eventually(() => world.control.prompt(queued).turn === 'end_turn')
    expect(world.host.sent.filter((id) => [first, queued, next].includes(id))).toEqual([first, next, queued])
    expect(world.control.prompt(first).turn).toBe('end_turn')
  } finally {
    start()
  }
})

test('what steers a turn before the agent has heard of it is heard soon after it, not at its end', async () => {
  const { task, first, start } = await starting()
  try {
    world.host.play = (promptId) => (promptId === first ? world.host.untilCancelled(promptId) : ended(promptId))
    const message = await say(task, 'steer')
    await expect.poll(() => promptsSignalled(task), { timeout: 30_000 }).toBe(1)
    start()
    await world.until(task, 'implementation_review')
    expect(world.control.prompt(first).turn).toBe('cancelled')
    expect(world.host.sent.filter((id) => [first, message].includes(id))).toEqual([first, message])
    expect(sentOf(task)).toEqual(['implement', 'person'])
  } finally {
    start()
  }
})

test('what waits already when a person stops the agent is what it goes on with', async () => {
  const { task, first } = await working()
  await say(task, 'queue')
  await expect.poll(() => promptsSignalled(task), { timeout: 30_000 }).toBe(1)
  world.host.play = (promptId) => ended(promptId)
  await session(task).signal(cancelTurnSignal, { promptId: first, by: 'person' })
  await world.until(task, 'implementation_review')
  expect(sentOf(task)).toEqual(['implement', 'person'])
})

test('a stopped agent whose next message is taken back goes on waiting: nobody failed', async () => {
  const { task, first } = await working()
  await session(task).signal(cancelTurnSignal, { promptId: first, by: 'person' })
  await world.eventually(() => task.activity === 'Stopped by a person: send a message to go on')
  const { promptId } = await world.control.preparePrompt({ taskId: task.taskId, key: randomUUID(), kind: 'person', note: null })
  world.control.prompt(promptId).turn = 'withdrawn'
  const handle = world.temporal.client.workflow.getHandle(specTaskWorkflowId(task.taskId))
  await handle.signal(personPromptSignal, { promptId, mode: 'queue' })
  await world.eventually(() => task.activity === 'Its message was taken back: send a message to go on')
  expect([task.status, sentOf(task)]).toEqual(['implementing', ['implement']])
  world.host.play = (id) => ended(id)
  await say(task, 'queue')
  await world.until(task, 'implementation_review')
  expect(sentOf(task)).toEqual(['implement', 'person'])
})

test('a message that was taken back is never sent', async () => {
  const { task, first } = await working()
  const gone = await say(task, 'queue')
  const kept = await say(task, 'queue')
  world.control.prompt(gone).turn = 'withdrawn'
  world.host.play = (promptId) => ended(promptId)
  await session(task).signal(cancelTurnSignal, { promptId: first, by: 'person' })
  await world.eventually(() => world.control.prompt(kept).turn === 'end_turn')
  expect(world.host.sent).not.toContain(gone)
  expect(world.control.prompt(gone).turn).toBe('withdrawn')
})

test('an agent that a person stopped waits for the next message, and its turn is the work', async () => {
  const { task, first } = await working()
  await session(task).signal(cancelTurnSignal, { promptId: first, by: 'person' })
  await world.eventually(() => task.activity === 'Stopped by a person: send a message to go on')
  expect(sentOf(task)).toEqual(['implement'])
  await world.stopControlWorker()
  await world.startControlWorker()
  world.host.play = (promptId) => ended(promptId)
  await say(task, 'queue')
  await world.until(task, 'implementation_review')
  expect(sentOf(task)).toEqual(['implement', 'person'])
})

test('an agent that waits for a person does not run out of time; one that waits for nobody does', async () => {
  const { task } = await working({ workDeadlineMs: 1500, waitsForPerson: true })
  let looks = 0
  world.control.before = (name) => {
    if (name === 'loadTask') looks += 1
  }
  await world.eventually(() => looks >= 2)
  expect(task.status).toBe('implementing')
  task.waitsForPerson = false
  await world.until(task, 'failed')
  expect(task.failure?.code).toBe('deadline')
})
