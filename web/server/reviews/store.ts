import type { CommentId, OrgId, ProjectId, RepositoryId, RevisionId, TaskId, UserId } from '@helix/contract/ids'
import type { ReviewRules } from '@helix/contract/projects'
import type { Anchor, Place, Question, Review, Revision } from '@helix/contract/reviews'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

export interface NewComment {
  taskId: TaskId
  revisionId: RevisionId
  parentId: CommentId | null
  anchor: Anchor | null
  body: string
  suggestion: string | null
  authorName: string
  authorId: UserId
}

/** A comment without what depends on who reads it and where. */
export interface StoredComment {
  id: CommentId
  parentId: CommentId | null
  revisionId: RevisionId
  revisionNumber: number
  anchor: Anchor | null
  body: string
  suggestion: string | null
  appliedCommit: string | null
  author: { kind: 'person' | 'agent'; name: string; id: UserId | null }
  resolvedAt: string | null
  resolvedBy: string | null
  sentAt: string | null
  createdAt: string
}

// biome-ignore lint/suspicious/noExplicitAny: a row of a join, shaped here
const commentOf = (row: any): StoredComment => ({
  id: row.id,
  parentId: row.parent_id,
  revisionId: row.revision_id,
  revisionNumber: row.revision_number,
  anchor: row.anchor,
  body: row.body,
  suggestion: row.suggestion,
  appliedCommit: row.applied_commit,
  author: { kind: row.author_kind, name: row.author_name, id: row.author_id },
  resolvedAt: row.resolved_at?.toISOString() ?? null,
  resolvedBy: row.resolved_at === null ? null : row.resolved_by,
  sentAt: row.sent_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
})

/** Revisions, threads and reviews of specs. Revisions are written by the push log, reviews with the workflow's step. */
export class ReviewStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** Newest first. */
  async revisions(orgId: OrgId, taskId: TaskId): Promise<Revision[]> {
    const rows = await this.db('spec_revisions').where({ org_id: orgId, task_id: taskId }).orderBy('number', 'desc')
    return rows.map((row) => ({ id: row.id, number: row.number, commit: row.commit, createdAt: row.created_at.toISOString() }))
  }

  /** Where the push that made a revision went; null when that repository is not there any more. */
  async repositoryOf(orgId: OrgId, taskId: TaskId, commit: string): Promise<RepositoryId | null> {
    const row = await this.db('spec_revisions as r')
      .join('pushes as p', (join) => join.on('p.id', 'r.push_id').andOn('p.new_commit', 'r.commit'))
      .where({ 'r.org_id': orgId, 'r.task_id': taskId, 'r.commit': commit })
      .first('p.repository_id')
    return row?.repository_id ?? null
  }

  private comments(orgId: OrgId) {
    return this.db('spec_comments as c')
      .join('spec_revisions as r', 'r.id', 'c.revision_id')
      .where({ 'c.org_id': orgId })
      .select('c.*', 'r.number as revision_number')
  }

  async commentsOf(orgId: OrgId, taskId: TaskId): Promise<StoredComment[]> {
    const rows = await this.comments(orgId).andWhere({ 'c.task_id': taskId }).orderBy(['c.created_at', 'c.id'])
    return rows.map(commentOf)
  }

  async findComment(orgId: OrgId, taskId: TaskId, id: CommentId): Promise<StoredComment | null> {
    const row = await this.comments(orgId).andWhere({ 'c.id': id, 'c.task_id': taskId }).first()
    return row === undefined ? null : commentOf(row)
  }

  async insertComment(trx: Knex, orgId: OrgId, comment: NewComment): Promise<CommentId> {
    const id = newId('comment')
    await trx('spec_comments').insert({
      id,
      org_id: orgId,
      task_id: comment.taskId,
      revision_id: comment.revisionId,
      parent_id: comment.parentId,
      anchor: comment.anchor === null ? null : JSON.stringify(comment.anchor),
      body: comment.body,
      suggestion: comment.suggestion,
      author_kind: 'person',
      author_name: comment.authorName,
      author_id: comment.authorId,
    })
    return id
  }

  /** False: it is so already. */
  async setResolved(trx: Knex, orgId: OrgId, id: CommentId, resolved: boolean, by: string): Promise<boolean> {
    const changed = await trx('spec_comments')
      .where({ org_id: orgId, id })
      .modify((query) => (resolved ? query.whereNull('resolved_at') : query.whereNotNull('resolved_at')))
      .update({ resolved_at: resolved ? trx.fn.now() : null, resolved_by: resolved ? by : null })
    return changed === 1
  }

  async markApplied(trx: Knex, orgId: OrgId, ids: readonly CommentId[], commit: string, by: string): Promise<void> {
    await trx('spec_comments')
      .where({ org_id: orgId })
      .whereIn('id', [...ids])
      .update({ applied_commit: commit, resolved_at: trx.fn.now(), resolved_by: by })
  }

  /** Places that were found before. */
  async placesIn(revisionId: RevisionId, ids: readonly CommentId[]): Promise<Map<CommentId, Place>> {
    const rows = await this.db('spec_anchors')
      .where({ revision_id: revisionId })
      .whereIn('comment_id', [...ids])
    return new Map(rows.map((row) => [row.comment_id, { state: row.state, start: row.start_at, end: row.end_at }]))
  }

  async keepPlaces(revisionId: RevisionId, places: ReadonlyMap<CommentId, Place>): Promise<void> {
    const rows = [...places].map(([comment_id, { state, start, end }]) => ({
      comment_id,
      revision_id: revisionId,
      state,
      start_at: start,
      end_at: end,
    }))
    if (rows.length > 0) await this.db('spec_anchors').insert(rows).onConflict(['comment_id', 'revision_id']).ignore()
  }

  async questions(orgId: OrgId, taskId: TaskId): Promise<Question[]> {
    const rows = await this.db('spec_questions').where({ org_id: orgId, task_id: taskId }).orderBy(['created_at', 'prompt_id'])
    return rows.map((row) => ({
      promptId: row.prompt_id,
      sessionId: row.session_id,
      commentId: row.comment_id,
      state: row.state,
      problem: row.problem,
      createdAt: row.created_at.toISOString(),
    }))
  }

  async reviews(orgId: OrgId, taskId: TaskId): Promise<Review[]> {
    const rows = await this.db('spec_reviews as r')
      .leftJoin('users as u', 'u.id', 'r.user_id')
      .where({ 'r.org_id': orgId, 'r.task_id': taskId })
      .orderBy(['r.created_at', 'r.id'])
      .select('r.*', 'u.name as by')
    return rows.map((row) => ({
      id: row.id,
      revisionId: row.revision_id,
      commit: row.commit,
      verdict: row.verdict,
      note: row.note,
      by: row.by ?? '',
      byId: row.user_id,
      at: row.created_at.toISOString(),
      voidReason: row.void_reason,
    }))
  }

  async rules(orgId: OrgId, projectId: ProjectId): Promise<ReviewRules> {
    const row = await this.db('projects').where({ org_id: orgId, id: projectId }).first()
    return {
      approvalsNeeded: row.approvals_needed,
      selfApproval: row.self_approval,
      requireResolved: row.require_resolved,
      reviewReminderHours: row.review_reminder_hours,
      publicLinks: row.public_links,
      defaultReviewerIds: row.default_reviewers,
    }
  }

  /** Those chosen for the task, else the project's, who still belong here. */
  async reviewers(orgId: OrgId, taskId: TaskId): Promise<{ reviewers: { id: UserId; name: string }[]; chosen: boolean }> {
    const row = await this.db('spec_tasks as t')
      .join('projects as p', 'p.id', 't.project_id')
      .where({ 't.org_id': orgId, 't.id': taskId })
      .first('t.reviewer_ids', 'p.default_reviewers')
    const ids: UserId[] = row?.reviewer_ids ?? row?.default_reviewers ?? []
    const people = await this.db('memberships as m')
      .join('users as u', 'u.id', 'm.user_id')
      .where({ 'm.org_id': orgId, 'm.deactivated_at': null })
      .whereIn('u.id', ids)
      .orderBy('u.name')
      .select('u.id', 'u.name')
    return { reviewers: people, chosen: row?.reviewer_ids != null }
  }

  async setReviewers(trx: Knex, orgId: OrgId, taskId: TaskId, ids: readonly UserId[] | null): Promise<void> {
    await trx('spec_tasks')
      .where({ org_id: orgId, id: taskId })
      .update({ reviewer_ids: ids === null ? null : JSON.stringify([...new Set(ids)]) })
  }

  async names(orgId: OrgId, ids: readonly UserId[]): Promise<{ id: UserId; name: string }[]> {
    return this.db('memberships as m')
      .join('users as u', 'u.id', 'm.user_id')
      .where({ 'm.org_id': orgId })
      .whereIn('u.id', [...ids])
      .orderBy('u.name')
      .select('u.id', 'u.name')
  }
}
