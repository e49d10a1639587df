import { randomUUID } from 'node:crypto'
import type { PromptId } from '@helix/contract/ids'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { budgetRaisedSignal, personPromptSignal, specTaskWorkflowId } from '../src/messages.ts'
import type { FakeTask } from './fake-control.ts'
import { ended } from './fake-host.ts'
import { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.open()
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(() => {
  world.control.refused = () => null
  world.control.assess = () => ({ complete: true, missing: null, commit: null })
  world.host.play = (promptId) => ended(promptId)
})

const handleOf = (task: FakeTask) => world.temporal.client.workflow.getHandle(specTaskWorkflowId(task.taskId))
const raise = (task: FakeTask, stopId: string) => handleOf(task).signal(budgetRaisedSignal, { stopId })
const kindsOf = (task: FakeTask): string[] => world.control.promptsOf(task.taskId).map(({ kind }) => kind)
const stopId = 'bst_00000000000000000000000001'
const message = 'The budget of the project Shop for this month, $50.00, is exhausted.'

/** Until it is raised, every turn ends as an agent's does that was answered 402. */
function exhausted(): { raised: boolean } {
  const budget = { raised: false }
  world.control.refused = () => (budget.raised ? null : { stopId: stopId as never, message })
  world.host.play = (promptId) =>
    budget.raised ? ended(promptId) : ended(promptId, { outcome: 'error', message: '402 budget_exhausted', retryable: false })
  return budget
}

const waits = (task: FakeTask) => world.eventually(() => task.activity === `Needs budget: ${message}`)

test('a task whose budget is exhausted waits, whatever dies meanwhile, and the same step goes on when it is raised', async () => {
  const budget = exhausted()
  const task = await world.startTask({ justDoIt: true, workDeadlineMs: 1500 })
  await waits(task)
  await world.stopControlWorker()
  await world.startControlWorker()
  // Its time does not run while it waits.
  await new Promise((resolve) => setTimeout(resolve, 2500))
  expect([task.status, task.failure, kindsOf(task)]).toEqual(['implementing', null, ['implement']])
  budget.raised = true
  await raise(task, stopId)
  await raise(task, stopId)
  await world.until(task, 'implementation_review')
  expect(kindsOf(task)).toEqual(['implement', 'nudge'])
  expect(task.story).toEqual(['backlog', 'queued_implementation', 'implementing', 'implementation_review'])
})

test('a budget that is raised before the task hears of the turn’s end is no wait', async () => {
  const budget = exhausted()
  const refused = world.control.refused
  let task: FakeTask | null = null
  world.host.play = async (promptId) => {
    if (budget.raised) return ended(promptId)
    await world.eventually(() => task !== null)
    if (task !== null) await raise(task, stopId)
    return ended(promptId, { outcome: 'error', message: '402', retryable: false })
  }
  world.control.refused = (promptId: PromptId) => {
    const answer = refused(promptId)
    budget.raised = true
    return answer
  }
  task = await world.startTask({ justDoIt: true })
  await world.until(task, 'implementation_review')
  expect(kindsOf(task)).toEqual(['implement', 'nudge'])
})

test('who tells the agent something meanwhile takes the wait over, and the raise asks nothing again', async () => {
  const budget = exhausted()
  const task = await world.startTask({ justDoIt: true })
  await waits(task)
  budget.raised = true
  const promptId = (await world.control.preparePrompt({ taskId: task.taskId, key: randomUUID(), kind: 'person', note: null })).promptId
  await handleOf(task).signal(personPromptSignal, { promptId })
  await world.until(task, 'implementation_review')
  await raise(task, stopId)
  expect(kindsOf(task)).toEqual(['implement', 'person'])
})

test('a task that was put back meanwhile is not woken by the raise', async () => {
  exhausted()
  const task = await world.startTask({ justDoIt: true })
  await waits(task)
  expect((await world.ask(task, 'back_to_backlog')).accepted).toBe(true)
  await raise(task, stopId)
  expect((await world.ask(task, 'archive')).accepted).toBe(true)
  expect(kindsOf(task)).toEqual(['implement'])
})
