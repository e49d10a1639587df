import type { InboxItemId } from '@helix/contract/ids'
import type { TaskStatus } from '@helix/contract/task-status'
import type { Knex } from 'knex'
import { appendEvent } from '../../events/store.ts'
import type { TaskRow } from '../../tasks/store.ts'

/** Where a task stood when it was archived. */
export interface ArchivedFrom {
  status: TaskStatus
  failedFrom: TaskStatus | null
  failure: { code: string; message: string } | null
  activity: string
}

interface Step {
  to: TaskStatus
  cause: string
  activity: string
}

/** By PostgreSQL's own text of the times, which JavaScript's would cut to milliseconds. Runs in the update that writes the step. */
const placeNow = `jsonb_build_object('status', status, 'failedFrom', failed_from, 'failure', failure, 'activity', activity,
  'queuedAt', queued_at, 'updatedAt', updated_at)`

/** What a step writes besides the status: it keeps the place of what is archived, and gives it back when that is undone. */
export function archiveFields(trx: Knex, row: TaskRow, { to, cause, activity }: Step): Record<string, unknown> {
  if (to === 'archived') return { archived_from: trx.raw(placeNow) }
  const from = row.archived_from
  if (row.status !== 'archived' || from === null) return {}
  if (cause !== 'undo_archive') return { archived_from: null }
  const time = (name: string) => trx.raw(`(archived_from->>'${name}')::timestamptz`)
  const place = { archived_from: null, updated_at: time('updatedAt'), queued_at: time('queuedAt') }
  // Work that was under way begins in the queue again: that has a sentence of its own.
  if (from.status !== to) return { ...place, activity }
  const failure = from.failure === null ? null : JSON.stringify(from.failure)
  return { ...place, activity: from.activity, failed_from: from.failedFrom, failure }
}

/**
 * Opens the inbox items again that the archiving ended, for those who had them and without a second ping; what the agent asked is not among them,
 * for it is gone. One transaction writes a step and ends its items: the times are the same.
 */
export async function reopenItems(trx: Knex, row: TaskRow): Promise<void> {
  const items: { id: InboxItemId; user_id: never }[] = await trx('inbox_items')
    .where({ org_id: row.org_id, task_id: row.id })
    .where('done_at', trx('task_steps').where({ task_id: row.id, step: row.step }).select('at'))
    .whereNotIn('kind', ['permission', 'question'])
    .update({ done_at: null, done_by: null, done_reason: null })
    .returning(['id', 'user_id'])
  const ids = items.map(({ id }) => id)
  await trx('pings').whereIn('item_id', ids).andWhere({ state: 'cancelled' }).update({ state: 'waiting' })
  for (const { user_id: userId } of items) await appendEvent(trx, row.org_id, { type: 'inbox.changed', projectId: row.project_id, userId })
}
