import type { UserId } from '@helix/contract/ids'
import { type InboxKind, inboxKinds } from '@helix/contract/inbox'
import type { TaskStatus } from '@helix/contract/task-status'
import type { Knex } from 'knex'
import type { TaskRow } from '../tasks/store.ts'
import { raise, settle } from './store.ts'

export interface StepTaken {
  from: TaskStatus
  to: TaskStatus
  actorId: UserId | null
  failure: { message: string } | null
}

/** The statuses in which a task waits for a person, and how that is said. */
const waits: Partial<Record<TaskStatus, { kind: InboxKind; title: string }>> = {
  spec_review: { kind: 'spec_review', title: 'Review the spec' },
  implementation_review: { kind: 'implementation_review', title: 'Review the changes' },
  failed: { kind: 'failed', title: 'Failed: try again or put it back' },
}

/** Which kinds a step ends: what the new status does not wait for. */
export function endedBy(to: TaskStatus): InboxKind[] {
  if (to === 'merged' || to === 'archived') return [...inboxKinds]
  return inboxKinds.filter((kind) => kind !== 'mention' && kind !== 'spending' && kind !== waits[to]?.kind)
}

/** How an inbox says why an item is done. */
export function reasonOf(from: TaskStatus, to: TaskStatus): string {
  if (to === 'merged') return 'Merged'
  if (to === 'archived') return 'Archived'
  if (to === 'backlog') return 'Back to backlog'
  if (to === 'failed') return 'The task failed'
  if (from === 'failed') return 'Tried again'
  if (from === 'spec_review') return to === 'queued_implementation' || to === 'implementing' ? 'Approved' : 'Changes requested'
  if (from === 'implementation_review') return to === 'pull_request' ? 'Approved' : 'Changes requested'
  return 'The agent went on'
}

/** What a step of a task means for inboxes; part of the transaction that writes the step. */
export async function inboxStep(trx: Knex, task: TaskRow, { from, to, actorId, failure }: StepTaken): Promise<void> {
  const by = { userId: actorId, reason: reasonOf(from, to) }
  await settle(trx, task.org_id, { taskId: task.id, kinds: endedBy(to) }, by)
  const waiting = waits[to]
  if (waiting === undefined) return
  const about = { orgId: task.org_id, projectId: task.project_id, taskId: task.id, subject: task.id }
  await raise(trx, { ...about, ...waiting, detail: to === 'failed' ? (failure?.message ?? '') : '' })
}
