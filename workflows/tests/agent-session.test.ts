import { randomUUID } from 'node:crypto'
import type { PromptId, SessionId } from '@helix/contract/ids'
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  agentSessionWorkflowId,
  cancelTurnSignal,
  placeFreedSignal,
  promptSignal,
  stopSessionSignal,
  suspendSignal,
  wakeSignal,
} from '../src/messages.ts'
import { ended, FakeHost } from './fake-host.ts'
import { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(() => {
  world.host.play = (promptId) => ended(promptId)
})

async function openSession(): Promise<SessionId> {
  const sessionId = world.control.addSession()
  await world.temporal.client.workflow.start('agentSession', {
    workflowId: agentSessionWorkflowId(sessionId),
    taskQueue: world.queue,
    args: [{ sessionId, ownerWorkflowId: null }],
  })
  return sessionId
}

const handle = (sessionId: SessionId) => world.temporal.client.workflow.getHandle(agentSessionWorkflowId(sessionId))

async function prompt(sessionId: SessionId): Promise<PromptId> {
  const { promptId } = await world.control.preparePrompt({ taskId: 'tsk' as never, key: randomUUID(), kind: 'person', note: null })
  await handle(sessionId).signal(promptSignal, { promptId })
  return promptId
}

const turn = (promptId: PromptId): string => world.control.prompt(promptId).turn
const turnIs = (promptId: PromptId, wanted: string): Promise<void> =>
  world.eventually(
    () => turn(promptId) === wanted,
    () => `the turn to be ${wanted}; it is ${turn(promptId)}`,
  )

test('prompts run one after the other, in a session that starts once; a doubled signal runs nothing twice', async () => {
  const sessionId = await openSession()
  const first = await prompt(sessionId)
  const second = await prompt(sessionId)
  await handle(sessionId).signal(promptSignal, { promptId: first })
  await turnIs(second, 'end_turn')
  expect(world.host.sent.filter((id) => id === first || id === second)).toEqual([first, second])
  expect(world.host.starts.filter((start) => start.sessionId === sessionId)).toHaveLength(1)
})

test('a session whose container is lost is started again and given the same prompt', async () => {
  const sessionId = await openSession()
  world.host.play = (promptId, attempt) => {
    if (attempt === 1) throw ApplicationFailure.retryable('the container was killed', 'SessionLost')
    return ended(promptId)
  }
  const promptId = await prompt(sessionId)
  await turnIs(promptId, 'end_turn')
  expect(world.host.starts.filter((start) => start.sessionId === sessionId).map(({ reason }) => reason)).toEqual([
    'first start',
    'the container was killed',
  ])
  expect(world.host.sent.filter((id) => id === promptId)).toHaveLength(1)
})

test('a host that does not answer is left for one that does, with the same prompt', async () => {
  const sessionId = await openSession()
  const session = world.control.sessions.get(sessionId)
  if (session === undefined) throw new Error('no session')
  const dead = new FakeHost(world.control, `sandbox-${randomUUID()}`)
  Object.assign(session, { queue: dead.queue, epoch: 1 })
  const promptId = await prompt(sessionId)
  const [, start] = await Promise.all([
    // The control plane gives the silent host up.
    world.eventually(() => world.control.sessions.get(sessionId)?.queue === world.host.queue),
    (async () => {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      session.queue = null
      await turnIs(promptId, 'end_turn')
      return world.host.starts.find((one) => one.sessionId === sessionId)
    })(),
  ])
  expect(start).toEqual({ sessionId, epoch: 2, reason: 'The sandbox host does not answer' })
})

test('a turn that is cancelled ends as cancelled, and the next prompt runs in the same container', async () => {
  const sessionId = await openSession()
  world.host.play = (promptId) => world.host.untilCancelled(promptId)
  const promptId = await prompt(sessionId)
  await world.eventually(() => world.host.sent.includes(promptId))
  await handle(sessionId).signal(cancelTurnSignal, { promptId })
  await turnIs(promptId, 'cancelled')
  world.host.play = (next) => ended(next)
  await turnIs(await prompt(sessionId), 'end_turn')
  expect(world.host.starts.filter((start) => start.sessionId === sessionId)).toHaveLength(1)
})

test('a session that is stopped in mid-turn cancels the turn and takes its container with it', async () => {
  const sessionId = await openSession()
  world.host.play = (promptId) => world.host.untilCancelled(promptId)
  const promptId = await prompt(sessionId)
  await world.eventually(() => world.host.sent.includes(promptId))
  await handle(sessionId).signal(stopSessionSignal, { reason: 'The task is archived' })
  await handle(sessionId).result()
  expect(turn(promptId)).toBe('cancelled')
  expect(world.host.removed).toContain(sessionId)
  expect(world.control.sessions.get(sessionId)?.states).toEqual(['stopped'])
})

test('a session for which there is no room starts as soon as it is told that there is', async () => {
  const sessionId = await openSession()
  const before = world.control.giveHost
  const asked: number[] = []
  world.control.giveHost = () => {
    asked.push(Date.now())
    return null
  }
  const promptId = await prompt(sessionId)
  await world.eventually(() => asked.length === 1)
  expect(turn(promptId)).toBe('queued')
  world.control.giveHost = before
  await handle(sessionId).signal(placeFreedSignal)
  await turnIs(promptId, 'end_turn')
  // Ten seconds would be the time to ask again by itself.
  expect(Date.now() - (asked[0] ?? 0)).toBeLessThan(9000)
})

test('a session leaves a host that is being emptied after its turn, and what waits goes on with another', async () => {
  const sessionId = await openSession()
  world.host.play = (promptId) => world.host.untilCancelled(promptId)
  const first = await prompt(sessionId)
  await world.eventually(() => world.host.sent.includes(first))
  const second = await prompt(sessionId)
  await handle(sessionId).signal(suspendSignal, { leaves: world.host.queue.slice('sandbox-'.length) })
  await handle(sessionId).signal(suspendSignal, { leaves: 'a-host-where-it-is-not' })
  await handle(sessionId).signal(suspendSignal, { leaves: world.host.queue.slice('sandbox-'.length) })
  expect(turn(first)).toBe('running')
  const other = new FakeHost(world.control, `sandbox-${randomUUID()}`)
  const stop = await world.startHost(other, false)
  const session = world.control.sessions.get(sessionId)
  if (session === undefined) throw new Error('no session')
  session.queue = other.queue
  await handle(sessionId).signal(cancelTurnSignal, { promptId: first })
  await turnIs(second, 'end_turn')
  expect(world.host.suspended.filter((id) => id === sessionId)).toHaveLength(1)
  expect(other.sent).toEqual([second])
  await stop()
})

test('an idle session is suspended when a person says so, and starts again for the next prompt; in mid-turn the turn goes on', async () => {
  const sessionId = await openSession()
  world.host.play = (promptId) => world.host.untilCancelled(promptId)
  const first = await prompt(sessionId)
  await world.eventually(() => world.host.sent.includes(first))
  await handle(sessionId).signal(suspendSignal)
  await handle(sessionId).signal(cancelTurnSignal, { promptId: first })
  await turnIs(first, 'cancelled')
  world.host.play = (promptId) => ended(promptId)
  await turnIs(await prompt(sessionId), 'end_turn')
  expect(world.host.suspended).not.toContain(sessionId)
  await handle(sessionId).signal(suspendSignal)
  await world.eventually(() => world.control.sessions.get(sessionId)?.states.at(-1) === 'suspended')
  expect(world.host.suspended).toContain(sessionId)
  await turnIs(await prompt(sessionId), 'end_turn')
  expect(world.host.starts.filter((start) => start.sessionId === sessionId)).toHaveLength(2)
})

test('a session whose host stopped its machine says why, and what a host tells of an earlier start stops nothing', async () => {
  const sessionId = await openSession()
  await turnIs(await prompt(sessionId), 'end_turn')
  const session = world.control.sessions.get(sessionId)
  const { epoch = 0 } = session ?? {}
  await handle(sessionId).signal(suspendSignal, { reason: 'the memory of its host ran out', epoch })
  await world.eventually(() => session?.states.at(-1) === 'suspended')
  expect(session?.reasons.at(-1)).toBe('the memory of its host ran out')
  await turnIs(await prompt(sessionId), 'end_turn')
  const { length } = session?.states ?? []
  await handle(sessionId).signal(suspendSignal, { reason: 'too late', epoch })
  await turnIs(await prompt(sessionId), 'end_turn')
  expect(session?.states.slice(length)).not.toContain('suspended')
  expect(world.host.suspended.filter((id) => id === sessionId)).toHaveLength(1)
})

const states = (sessionId: SessionId): string[] => world.control.sessions.get(sessionId)?.states ?? []
const startsOf = (sessionId: SessionId) => world.host.starts.filter((start) => start.sessionId === sessionId)

test('a session is woken without a prompt, once however often it is asked, and works then in the same machine', async () => {
  const sessionId = await openSession()
  await handle(sessionId).signal(wakeSignal)
  await handle(sessionId).signal(wakeSignal)
  await world.eventually(() => startsOf(sessionId).length > 0)
  await turnIs(await prompt(sessionId), 'end_turn')
  expect(new Set(startsOf(sessionId).map(({ epoch }) => epoch)).size).toBe(1)
})

test('a session whose start fails again and again stops when it is told to', async () => {
  const sessionId = await openSession()
  const start = world.host.startSession.bind(world.host)
  world.host.startSession = async () => {
    throw ApplicationFailure.nonRetryable('the image is missing', 'SessionBroken')
  }
  await handle(sessionId).signal(wakeSignal)
  await world.eventually(() => world.control.sessions.get(sessionId)?.epoch !== 0)
  await handle(sessionId).signal(stopSessionSignal, { reason: 'enough' })
  await handle(sessionId).result()
  world.host.startSession = start
  expect(states(sessionId)).toEqual(['stopped'])
})

test('an image that is not to be had ends the turn and the wish to start at once, with the reason', async () => {
  const sessionId = await openSession()
  const start = world.host.startSession.bind(world.host)
  let starts = 0
  world.host.startSession = async () => {
    starts++
    throw ApplicationFailure.nonRetryable('The image a:1 cannot be had: choose another one.', 'ImageUnavailable')
  }
  await turnIs(await prompt(sessionId), 'The image a:1 cannot be had: choose another one.')
  await handle(sessionId).signal(wakeSignal)
  await world.eventually(() => states(sessionId).includes('suspended'))
  world.host.startSession = start
  expect(starts).toBe(2)
})

test('an idle session is suspended after its project’s time, and not while people use its machine', async () => {
  const sessionId = await openSession()
  const session = world.control.sessions.get(sessionId)
  if (session === undefined) throw new Error('no session')
  session.times = { idleMs: 700, idleLeftMs: 700, endsAt: null }
  await turnIs(await prompt(sessionId), 'end_turn')
  await new Promise((resolve) => setTimeout(resolve, 3000))
  expect(states(sessionId)).not.toContain('suspended')
  session.times = { ...session.times, idleLeftMs: 0 }
  await world.eventually(() => states(sessionId).includes('suspended'))
})

test('a session without a task ends when its time to live is over, in mid-turn too', async () => {
  const sessionId = await openSession()
  const session = world.control.sessions.get(sessionId)
  if (session === undefined) throw new Error('no session')
  session.times = { idleMs: 0, endsAt: new Date(Date.now() + 3000).toISOString() }
  world.host.play = (promptId) => world.host.untilCancelled(promptId)
  const promptId = await prompt(sessionId)
  await handle(sessionId).result()
  expect([turn(promptId), states(sessionId)]).toEqual(['cancelled', ['stopped']])
  expect(world.host.removed).toContain(sessionId)
})

test('a session of a task is given a new machine when its time to live is over, and its turn is not cut off', async () => {
  const sessionId = world.control.addSession()
  const session = world.control.sessions.get(sessionId)
  if (session === undefined) throw new Error('no session')
  session.times = { idleMs: 0, endsAt: new Date(Date.now() + 2000).toISOString() }
  await world.temporal.client.workflow.start('agentSession', {
    workflowId: agentSessionWorkflowId(sessionId),
    taskQueue: world.queue,
    args: [{ sessionId, ownerWorkflowId: 'spec-task/gone' }],
  })
  let finish = (): void => undefined
  world.host.play = (promptId) => new Promise((resolve) => (finish = () => resolve(ended(promptId))))
  const promptId = await prompt(sessionId)
  await world.eventually(() => world.host.sent.includes(promptId))
  await new Promise((resolve) => setTimeout(resolve, 3000))
  expect(world.host.removed).not.toContain(sessionId)
  session.times = { idleMs: 0, endsAt: null }
  finish()
  await turnIs(promptId, 'end_turn')
  await world.eventually(() => states(sessionId).includes('queued'))
  expect(world.host.removed).toContain(sessionId)
  world.host.play = (next) => ended(next)
  await turnIs(await prompt(sessionId), 'end_turn')
  expect(startsOf(sessionId)).toHaveLength(2)
})
