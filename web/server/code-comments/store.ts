import type { CodeComment } from '@helix/contract/code-comments'
import type { Id, OrgId, RepositoryId, TaskId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

export type CodeCommentId = Id<'codeComment'>
/** A comment as it is stored: where it stands now is found out when it is shown. */
export type StoredComment = Omit<CodeComment, 'place' | 'currentLine'> & { repositoryId: RepositoryId }
export type NewCodeComment = Pick<CodeComment, 'commit' | 'path' | 'side' | 'line' | 'quote' | 'body' | 'author'> & {
  taskId: TaskId
  repositoryId: RepositoryId
}

// biome-ignore lint/suspicious/noExplicitAny: a row, shaped here
const commentOf = (row: any): StoredComment => ({
  id: row.id,
  repositoryId: row.repository_id,
  commit: row.commit,
  path: row.path,
  side: row.side,
  line: row.line,
  quote: row.quote,
  body: row.body,
  author: { id: row.author_id, name: row.author_name },
  resolvedAt: row.resolved_at?.toISOString() ?? null,
  sentAt: row.sent_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
})

/** Comments of people on the changes of a task. */
export class CodeCommentStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  private rows(orgId: OrgId, taskId: TaskId, db: Knex = this.db) {
    return db('code_comments').where({ org_id: orgId, task_id: taskId })
  }

  /** Oldest first. */
  async list(orgId: OrgId, taskId: TaskId): Promise<StoredComment[]> {
    return (await this.rows(orgId, taskId).orderBy(['created_at', 'id']).limit(1000)).map(commentOf)
  }

  async find(orgId: OrgId, taskId: TaskId, id: CodeCommentId): Promise<StoredComment | null> {
    const row = await this.rows(orgId, taskId).andWhere({ id }).first()
    return row === undefined ? null : commentOf(row)
  }

  /** What the agent has not been told and nobody has dealt with. */
  async open(db: Knex, orgId: OrgId, taskId: TaskId): Promise<StoredComment[]> {
    const rows = await this.rows(orgId, taskId, db).whereNull('resolved_at').whereNull('sent_at').orderBy(['path', 'line', 'created_at'])
    return rows.map(commentOf)
  }

  async insert(trx: Knex, orgId: OrgId, comment: NewCodeComment): Promise<CodeCommentId> {
    const id = newId('codeComment')
    const { taskId, repositoryId, author, ...rest } = comment
    const owner = { id, org_id: orgId, task_id: taskId, repository_id: repositoryId, author_id: author.id, author_name: author.name }
    await trx('code_comments').insert({ ...owner, ...rest })
    return id
  }

  async setResolved(trx: Knex, orgId: OrgId, taskId: TaskId, id: CodeCommentId, resolved: boolean): Promise<boolean> {
    return (
      (await this.rows(orgId, taskId, trx)
        .andWhere({ id })
        .update({ resolved_at: resolved ? trx.fn.now() : null })) === 1
    )
  }

  async markSent(trx: Knex, orgId: OrgId, taskId: TaskId, ids: readonly string[]): Promise<void> {
    await this.rows(orgId, taskId, trx).whereIn('id', ids).whereNull('sent_at').update({ sent_at: trx.fn.now() })
  }

  /** False for another's, and for one that the agent knows. */
  async delete(trx: Knex, orgId: OrgId, taskId: TaskId, id: CodeCommentId, authorId: string): Promise<boolean> {
    return (await this.rows(orgId, taskId, trx).andWhere({ id, author_id: authorId }).whereNull('sent_at').delete()) === 1
  }
}
