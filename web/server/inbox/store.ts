import type { InboxItemId, OrgId, ProjectId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import type { InboxKind } from '@helix/contract/inbox'
import type { OrgPermission } from '@helix/contract/permissions'
import { wellFormed } from '@helix/contract/text'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import { appendEvent } from '../events/store.ts'

export interface NewItem {
  orgId: OrgId
  /** Null: of the organisation. */
  projectId: ProjectId | null
  /** Null: of a session without a task, or of neither. */
  taskId: TaskId | null
  sessionId?: SessionId
  kind: InboxKind
  /** What it is about: while an item of the kind about it is open, another is not made. */
  subject: string
  /** What is asked, short: `Review the spec`. The task's own title stands beside it. */
  title: string
  detail?: string
  /** What it needs, for kinds that say so item by item (`permissionOf` in reach.ts). */
  permission?: OrgPermission
  /** The one person it is for; absent: whoever may do what it needs. */
  userId?: UserId
}

/** Makes an item in the caller's transaction, with its event; call it late there. Null when one is open already. */
export async function raise(trx: Knex, item: NewItem): Promise<InboxItemId | null> {
  const row = {
    id: newId('inboxItem'),
    org_id: item.orgId,
    project_id: item.projectId,
    task_id: item.taskId,
    session_id: item.taskId === null ? (item.sessionId ?? null) : null,
    kind: item.kind,
    subject: item.subject,
    title: wellFormed(item.title).slice(0, 300),
    detail: wellFormed(item.detail ?? '')
      .slice(0, 2000)
      .toWellFormed(),
    user_id: item.userId ?? null,
    permission: item.permission ?? null,
  }
  const open = trx.raw('(org_id, kind, subject) where done_at is null')
  const made = await trx('inbox_items').insert(row).onConflict(open).ignore().returning('id')
  if (made.length === 0) return null
  await changed(trx, item.orgId, item.projectId, item.userId ?? null)
  return row.id
}

export interface Which {
  taskId?: TaskId
  kinds?: readonly InboxKind[]
  subject?: string
  itemId?: InboxItemId
}

/**
 * Ends the open items that this names, for everyone who saw them, and cancels what was not sent about them. Doing it again changes nothing.
 * Answers with how many it ended.
 */
export async function settle(trx: Knex, orgId: OrgId, which: Which, by: { userId: UserId | null; reason: string }): Promise<number> {
  const query = trx('inbox_items').where({ org_id: orgId }).whereNull('done_at')
  if (which.taskId !== undefined) query.andWhere({ task_id: which.taskId })
  if (which.subject !== undefined) query.andWhere({ subject: which.subject })
  if (which.itemId !== undefined) query.andWhere({ id: which.itemId })
  if (which.kinds !== undefined) query.whereIn('kind', [...which.kinds])
  const ended = await query
    .update({ done_at: trx.fn.now(), done_by: by.userId, done_reason: wellFormed(by.reason).slice(0, 300) })
    .returning(['id', 'project_id', 'user_id'])
  if (ended.length === 0) return 0
  await cancelPings(
    trx,
    ended.map(({ id }) => id),
  )
  for (const { project_id, user_id } of ended) await changed(trx, orgId, project_id, user_id)
  return ended.length
}

/** Pings about an open item once more; the item stays one. False when nothing is open. */
export async function remind(trx: Knex, orgId: OrgId, which: { kind: InboxKind; subject: string }): Promise<boolean> {
  const rows = await trx('inbox_items')
    .where({ org_id: orgId, ...which })
    .whereNull('done_at')
    .update({ round: trx.raw('round + 1'), announced_at: null })
    .returning(['project_id', 'user_id'])
  for (const { project_id, user_id } of rows) await changed(trx, orgId, project_id, user_id)
  return rows.length > 0
}

const changed = (trx: Knex, orgId: OrgId, projectId: ProjectId | null, userId: UserId | null): Promise<void> =>
  appendEvent(trx, orgId, { type: 'inbox.changed', ...(projectId === null ? {} : { projectId }), userId })

/** What waits to be sent about these is not sent; what is on its way is. A digest that holds more than these stays. */
async function cancelPings(trx: Knex, itemIds: InboxItemId[]): Promise<void> {
  const pings = await trx('pings').whereIn('item_id', itemIds).select('id')
  await trx('pings').whereIn('item_id', itemIds).andWhere({ state: 'waiting' }).update({ state: 'cancelled' })
  const cancelled = { state: 'cancelled', finished_at: trx.fn.now() }
  await trx('deliveries').whereIn('item_id', itemIds).andWhere({ state: 'waiting' }).update(cancelled)
  const keys = pings.map(({ id }) => pingKey(id))
  await trx('mail_outbox').whereIn('key', keys).andWhere({ state: 'waiting' }).update({ state: 'cancelled' })
}

/** Under which the mail of one ping stands in line. */
export const pingKey = (pingId: number | string): string => `ping:${pingId}`
