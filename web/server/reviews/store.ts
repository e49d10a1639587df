import type { CommentId, OrgId, RevisionId, TaskId } from '@helix/contract/ids'
import type { Comment, Revision } from '@helix/contract/reviews'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

export interface NewComment {
  taskId: TaskId
  revisionId: RevisionId
  anchor: Comment['anchor']
  body: string
  authorName: string
  authorId: string
}

// biome-ignore lint/suspicious/noExplicitAny: a row of a join, shaped here
const commentOf = (row: any): Comment => ({
  id: row.id,
  revisionId: row.revision_id,
  revisionNumber: row.revision_number,
  anchor: row.anchor,
  body: row.body,
  author: { kind: row.author_kind, name: row.author_name },
  resolvedAt: row.resolved_at?.toISOString() ?? null,
  sentAt: row.sent_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
})

/** Revisions, comments and reviews of specs. Revisions are written by the push log, reviews with the workflow's step. */
export class ReviewStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async revisions(orgId: OrgId, taskId: TaskId): Promise<Revision[]> {
    const rows = await this.db('spec_revisions').where({ org_id: orgId, task_id: taskId }).orderBy('number', 'desc')
    return rows.map((row) => ({ id: row.id, number: row.number, commit: row.commit, createdAt: row.created_at.toISOString() }))
  }

  private comments(orgId: OrgId) {
    return this.db('spec_comments as c')
      .join('spec_revisions as r', 'r.id', 'c.revision_id')
      .where({ 'c.org_id': orgId })
      .select('c.*', 'r.number as revision_number')
  }

  async commentsOf(orgId: OrgId, taskId: TaskId): Promise<Comment[]> {
    const rows = await this.comments(orgId).andWhere({ 'c.task_id': taskId }).orderBy(['c.created_at', 'c.id'])
    return rows.map(commentOf)
  }

  async getComment(orgId: OrgId, id: CommentId): Promise<Comment> {
    return commentOf(await this.comments(orgId).andWhere({ 'c.id': id }).first())
  }

  async insertComment(trx: Knex, orgId: OrgId, comment: NewComment): Promise<CommentId> {
    const id = newId('comment')
    await trx('spec_comments').insert({
      id,
      org_id: orgId,
      task_id: comment.taskId,
      revision_id: comment.revisionId,
      anchor: comment.anchor === null ? null : JSON.stringify(comment.anchor),
      body: comment.body,
      author_kind: 'person',
      author_name: comment.authorName,
      author_id: comment.authorId,
    })
    return id
  }

  async setResolved(trx: Knex, orgId: OrgId, taskId: TaskId, id: CommentId, resolved: boolean): Promise<boolean> {
    const changed = await trx('spec_comments')
      .where({ org_id: orgId, task_id: taskId, id })
      .update({ resolved_at: resolved ? trx.fn.now() : null })
    return changed === 1
  }

  async reviews(orgId: OrgId, taskId: TaskId) {
    const rows = await this.db('spec_reviews as r')
      .leftJoin('users as u', 'u.id', 'r.user_id')
      .where({ 'r.org_id': orgId, 'r.task_id': taskId })
      .orderBy('r.created_at')
      .select('r.*', 'u.name as by')
    return rows.map((row) => ({
      id: row.id,
      revisionId: row.revision_id,
      commit: row.commit,
      verdict: row.verdict,
      note: row.note,
      by: row.by ?? '',
      at: row.created_at.toISOString(),
    }))
  }
}
