import type { OrgId, ProjectId, TaskId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { appendEvent } from '../events/store.ts'

const asked = `coalesce(t.reviewer_ids, p.default_reviewers, '[]')`

/**
 * SQL over `inbox_items as i`, its task `t` or its session `n`, and its project `p`: whether the item is this person's own. A budget that few may raise is
 * theirs. A review is its named reviewers', where
 * there are any who still belong here, until each has approved; all else is theirs who made the task or have it, or
 * started the session.
 *
 * @param user an SQL expression for the person's id
 */
export const concerns = (user: string): string => `(
  case
    when i.user_id is not null then i.user_id = ${user}
    when i.permission in ('project:write', 'organisation:write') then true
    when i.kind in ('spec_review', 'implementation_review')
      and exists (select 1 from memberships r where r.org_id = i.org_id and r.deactivated_at is null and ${asked} @> to_jsonb(r.user_id))
      then ${asked} @> to_jsonb(cast(${user} as text))
    when i.task_id is null then n.started_by = ${user}
    else t.created_by = ${user} or exists (select 1 from task_assignees a where a.task_id = i.task_id and a.user_id = ${user})
  end
  and not (i.kind = 'spec_review' and exists (
    select 1 from spec_reviews v where v.task_id = i.task_id and v.user_id = ${user} and v.verdict = 'approved' and v.voided_at is null)))`

/**
 * Others are asked to review than before: the open review is told again to whom it was not told yet, and inboxes are read again. Part of the
 * transaction that names them; call it late there.
 */
export async function reviewersChanged(trx: Knex, task: { orgId: OrgId; projectId: ProjectId; taskId: TaskId }): Promise<void> {
  const open = await trx('inbox_items')
    .where({ org_id: task.orgId, task_id: task.taskId })
    .whereIn('kind', ['spec_review', 'implementation_review'])
    .whereNull('done_at')
    .update({ announced_at: null })
  if (open > 0) await appendEvent(trx, task.orgId, { type: 'inbox.changed', projectId: task.projectId, userId: null })
}

/** A person did their part of what others still have to do: it leaves their own, and what waits to be sent to them about it is not sent. */
export async function didTheirPart(
  trx: Knex,
  { orgId, projectId, taskId, userId }: { orgId: OrgId; projectId: ProjectId; taskId: TaskId; userId: UserId },
): Promise<void> {
  const items = trx('inbox_items').where({ org_id: orgId, task_id: taskId, kind: 'spec_review' }).whereNull('done_at').select('id')
  await trx('pings').whereIn('item_id', items).andWhere({ user_id: userId, state: 'waiting' }).update({ state: 'cancelled' })
  await appendEvent(trx, orgId, { type: 'inbox.changed', projectId, userId })
}

/**
 * Those who did their part have it to do again: the open review is unread to them and told anew, to nobody else; `detail` says why. The events are
 * the caller's, for rows come first.
 */
export async function approvalsAreVoid(trx: Knex, taskId: TaskId, userIds: readonly UserId[], detail: string): Promise<void> {
  const [item] = await trx('inbox_items')
    .where({ task_id: taskId, kind: 'spec_review' })
    .whereNull('done_at')
    .update({ detail, announced_at: null })
    .returning('id')
  if (item === undefined) return
  const theirs = (table: string) =>
    trx(table)
      .where({ item_id: item.id })
      .whereIn('user_id', [...userIds])
  // One ping stands for one telling: without it they count as not told yet.
  await theirs('pings').whereNot('state', 'waiting').delete()
  await theirs('inbox_states').update({ read_at: null })
}
