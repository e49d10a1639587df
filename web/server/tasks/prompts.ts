import { HelixError } from '@helix/contract/errors'
import type { PromptId, UserId } from '@helix/contract/ids'
import type { TaskStatus } from '@helix/contract/task-status'
import type { PromptMode } from '@helix/contract/task-work'
import type { Knex } from 'knex'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { enqueue } from '../outbox/store.ts'
import { ExtrasStore } from './extras/store.ts'
import type { TaskRow, TaskStore } from './store.ts'

/** Nobody works on these: a message would wake an agent without a place under the project's limit. */
const resting: readonly TaskStatus[] = ['backlog', 'merged', 'archived']

export interface PersonMessage {
  authorId: UserId
  text: string
  mode: PromptMode
  attachmentIds: string[]
  /** Written in the same transaction. */
  also?(trx: Knex): Promise<void>
}

/** Stores a person's message for the agent; the workflow sends it when its turn has come. */
export async function sendToAgent(
  context: Context,
  store: TaskStore,
  task: TaskRow,
  message: PersonMessage,
): Promise<{ promptId: PromptId; note: string | null }> {
  if (task.session_id === null) throw new HelixError('conflict', 'The task has no agent yet: start it first.')
  const { mode } = message
  const promptId = await context.db.transaction(async (trx) => {
    const status = await store.lockStatus(trx, task)
    if (resting.includes(status)) throw new HelixError('conflict', `The agent of a task that is ${status} does not take messages.`)
    const missing = await new ExtrasStore(trx).attach(trx, task.project_id, task.id, message.attachmentIds)
    if (missing !== null)
      throw new HelixError('invalid_request', `attachmentIds: ${missing} is no file of this project`, {
        fields: { attachmentIds: 'not a file of this project' },
      })
    const id = await store.insertPersonPrompt(trx, task, message)
    await enqueue(trx, task.org_id, { kind: 'signalTask', taskId: task.id, signal: 'personPrompt', payload: { promptId: id, mode } })
    await message.also?.(trx)
    await appendEvent(trx, task.org_id, { type: 'task.changed', projectId: task.project_id, taskId: task.id, status, step: task.step })
    return id
  })
  context.bus.wake(task.org_id)
  context.outbox.nudge()
  return { promptId, note: null }
}
