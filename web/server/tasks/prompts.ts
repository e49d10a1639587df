import { HelixError } from '@helix/contract/errors'
import type { PromptId, UserId } from '@helix/contract/ids'
import type { TaskStatus } from '@helix/contract/tasks'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { enqueue } from '../outbox/store.ts'
import type { TaskRow, TaskStore } from './store.ts'

/** Nobody works on these: a message would wake an agent without a place under the project's limit. */
const resting: readonly TaskStatus[] = ['backlog', 'merged', 'archived']

/** Stores a person's message for the agent; the workflow sends it when the current turn has ended. */
export async function sendToAgent(context: Context, store: TaskStore, task: TaskRow, authorId: UserId, text: string): Promise<PromptId> {
  if (task.session_id === null) throw new HelixError('conflict', 'The task has no agent yet: start it first.')
  const promptId = await context.db.transaction(async (trx) => {
    const status = await store.lockStatus(trx, task)
    if (resting.includes(status)) throw new HelixError('conflict', `The agent of a task that is ${status} does not take messages.`)
    const id = await store.insertPersonPrompt(trx, task, authorId, text)
    await enqueue(trx, task.org_id, { kind: 'signalTask', taskId: task.id, signal: 'personPrompt', payload: { promptId: id } })
    await appendEvent(trx, task.org_id, { type: 'task.changed', projectId: task.project_id, taskId: task.id, status, step: task.step })
    return id
  })
  context.bus.wake(task.org_id)
  context.outbox.nudge()
  return promptId
}
