import type { BodyOf, ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { TaskId } from '@helix/contract/ids'
import type { remindReviewers } from '@helix/contract/internal'
import type { Knex } from 'knex'
import { appendEvent } from '../events/store.ts'
import { remind } from '../inbox/store.ts'

const most = 3
const hourMs = 3_600_000

/** Reminds once for each count of a wait, whatever is tried again, and says when the next is due: each time twice as late. */
export async function remindOfReview(
  trx: Knex,
  taskId: TaskId,
  { step, count }: BodyOf<typeof remindReviewers>,
): Promise<ResponseOf<typeof remindReviewers>> {
  const task = await trx('spec_tasks as t')
    .join('projects as p', 'p.id', 't.project_id')
    .where({ 't.id': taskId })
    .forUpdate('t')
    .first('t.org_id', 't.project_id', 't.status', 't.step', 'p.review_reminder_hours')
  if (task === undefined) throw new HelixError('not_found')
  const kind = task.status === 'spec_review' || task.status === 'implementation_review' ? task.status : null
  const hours: number = task.review_reminder_hours
  if (kind === null || task.step !== step || hours === 0 || count > most) return { nextInMs: null }
  const nextInMs = count === most ? null : hours * 2 ** count * hourMs
  if (count === 0) return { nextInMs }
  const row = { task_id: taskId, step, count, org_id: task.org_id }
  const written = await trx('review_reminders').insert(row).onConflict(['task_id', 'step', 'count']).ignore().returning('count')
  if (written.length > 0) {
    await remind(trx, task.org_id, { kind, subject: taskId })
    await appendEvent(trx, task.org_id, { type: 'spec.reviewed', projectId: task.project_id, taskId })
  }
  return { nextInMs }
}
