import { HelixError } from '@helix/contract/errors'
import type { UserId } from '@helix/contract/ids'
import type { TaskAction } from '@helix/contract/tasks'
import type { Context } from '../context.ts'
import type { TaskRow } from './store.ts'

/** Units: milliseconds. An update blocks until a worker takes it. */
const verdictDeadlineMs = 20_000

export interface Move {
  /** Makes a repetition harmless: the workflow answers the same verdict. */
  requestId: string
  action: TaskAction
  actorId: UserId
  commit?: string
  note?: string
}

/** Sends a person's request to the task's workflow and throws what it refuses. The row has changed when this returns. */
export async function moveTask(context: Context, task: TaskRow, move: Move): Promise<void> {
  const { requestId, ...rest } = move
  const verdict = await context.temporal.requestTask(task.id, { id: requestId, ...rest }, verdictDeadlineMs)
  context.bus.wake(task.org_id)
  if (!verdict.accepted) throw new HelixError(verdict.code ?? 'transition_refused', verdict.reason ?? undefined, { status: verdict.status })
}
