import { HelixError } from '@helix/contract/errors'
import type { InboxItemId, OrgId, ProjectId } from '@helix/contract/ids'
import type { InboxCounts, InboxItem, InboxState } from '@helix/contract/inbox'
import type { Knex } from 'knex'
import type { Grantee } from '../access/store.ts'
import { appendEvent } from '../events/store.ts'
import { concerns } from './concern.ts'
import { type Reach, reachOf, withinReach } from './reach.ts'

export interface Listing {
  state: InboxState
  projectId?: ProjectId | undefined
  cursor?: string | undefined
  limit: number
}

const askedBy = new Set<string>(['permission', 'question'])
/** Its subject names the session and the request: see `conversation/requests.ts`. */
const requestOf = (kind: string, subject: string): string | null => (askedBy.has(kind) ? subject.slice(subject.indexOf('/') + 1) : null)

// biome-ignore lint/suspicious/noExplicitAny: a row of a join, shaped here
const itemOf = (row: any): InboxItem => ({
  id: row.id,
  kind: row.kind,
  title: row.title,
  detail: row.detail,
  project: row.project_id === null ? null : { id: row.project_id, name: row.project_name },
  task: row.task_id === null ? null : { id: row.task_id, number: row.task_number, title: row.task_title },
  session: row.session_id === null ? null : { id: row.session_id, title: row.session_title },
  requestId: requestOf(row.kind, row.subject),
  mine: row.mine,
  read: row.read_at !== null,
  snoozedUntil: row.snoozed ? row.snoozed_until.toISOString() : null,
  reminders: row.round,
  createdAt: row.created_at.toISOString(),
  doneAt: row.done_at?.toISOString() ?? null,
  doneBy: row.done_by_name,
  doneReason: row.done_reason,
})

const mine = concerns(':me')
const snoozed = '(s.snoozed_until is not null and s.snoozed_until > now())'

/** Inboxes as people see them, and what each person did with an item for themselves. */
export class InboxList {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  private visible(orgId: OrgId, reach: Reach): Knex.QueryBuilder {
    const query = this.db('inbox_items as i')
      .leftJoin('spec_tasks as t', 't.id', 'i.task_id')
      .leftJoin('agent_sessions as n', 'n.id', 'i.session_id')
      .leftJoin('projects as p', 'p.id', 'i.project_id')
      .leftJoin('inbox_states as s', (join) => join.on('s.item_id', 'i.id').andOnVal('s.user_id', '=', reach.userId))
      .where({ 'i.org_id': orgId, 'p.deleted_at': null })
    return withinReach(query, reach)
  }

  async list(who: Grantee, { state, projectId, cursor, limit }: Listing): Promise<{ items: InboxItem[]; nextCursor: string | null }> {
    const query = this.visible(who.orgId, await reachOf(this.db, who))
      .leftJoin('users as d', 'd.id', 'i.done_by')
      .select('i.*', 's.read_at', 's.snoozed_until', 'p.name as project_name', 't.number as task_number', 't.title as task_title')
      .select(
        'n.title as session_title',
        'd.name as done_by_name',
        this.db.raw(`${mine} as mine`, { me: who.userId }),
        this.db.raw(`${snoozed} as snoozed`),
      )
      .limit(limit + 1)
    if (projectId !== undefined) query.andWhere({ 'i.project_id': projectId })
    if (state === 'done') query.whereNotNull('i.done_at').orderBy('i.done_at', 'desc').orderBy('i.id', 'desc')
    else
      query
        .whereNull('i.done_at')
        .andWhereRaw(state === 'snoozed' ? snoozed : `not ${snoozed}`)
        .orderBy('i.id', 'desc')
    if (cursor !== undefined && state === 'done')
      query.andWhereRaw('(i.done_at, i.id) < (select c.done_at, c.id from inbox_items c where c.id = ? and c.org_id = ?)', [
        cursor,
        who.orgId,
      ])
    else if (cursor !== undefined) query.andWhere('i.id', '<', cursor)
    const rows = await query
    return { items: rows.slice(0, limit).map(itemOf), nextCursor: rows.length > limit ? rows[limit - 1].id : null }
  }

  async counts(who: Grantee): Promise<InboxCounts> {
    const row = await this.visible(who.orgId, await reachOf(this.db, who))
      .whereNull('i.done_at')
      .first(
        this.db.raw(
          `cast(count(*) filter (where not ${snoozed}) as int) as open,
           cast(count(*) filter (where not ${snoozed} and ${mine}) as int) as mine, cast(count(*) filter (where ${snoozed}) as int) as snoozed`,
          { me: who.userId },
        ),
      )
    return row as InboxCounts
  }

  /** Throws `not_found` for what is not there and for what this person may not see. */
  async get(who: Grantee, id: InboxItemId): Promise<{ kind: InboxItem['kind']; projectId: ProjectId | null; done: boolean }> {
    const row = await this.visible(who.orgId, await reachOf(this.db, who))
      .andWhere({ 'i.id': id })
      .first('i.kind', 'i.project_id', 'i.done_at')
    if (row === undefined) throw new HelixError('not_found')
    return { kind: row.kind, projectId: row.project_id, done: row.done_at !== null }
  }

  /** Writes what one person does with an item; others see nothing of it. */
  async setState(
    who: Grantee,
    id: InboxItemId,
    projectId: ProjectId | null,
    state: { read?: boolean; snoozedUntil?: Date | null },
  ): Promise<void> {
    const values = {
      ...(state.read === undefined ? {} : { read_at: state.read ? new Date() : null }),
      ...(state.snoozedUntil === undefined ? {} : { snoozed_until: state.snoozedUntil }),
    }
    await this.db.transaction(async (trx) => {
      const row = { item_id: id, user_id: who.userId, org_id: who.orgId, ...values }
      await trx('inbox_states').insert(row).onConflict(['item_id', 'user_id']).merge(values)
      const where = projectId === null ? {} : { projectId }
      await appendEvent(trx, who.orgId, { type: 'inbox.changed', ...where, userId: who.userId })
    })
  }
}
