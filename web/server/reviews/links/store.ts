import type { Id, OrgId, TaskId, UserId } from '@helix/contract/ids'
import type { SpecLink } from '@helix/contract/reviews'
import type { Knex } from 'knex'
import { newId } from '../../context.ts'
import { hashSecret } from '../../identity/hashing.ts'

const living = '(l.revoked_at is null and (l.expires_at is null or l.expires_at > now()))'

/** Public links of specs. A token is known to who was told it: the table holds its hash. */
export class LinkStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** Those that have not ended, newest first. */
  async list(orgId: OrgId, taskId: TaskId): Promise<SpecLink[]> {
    const rows = await this.db('spec_links as l')
      .join('users as u', 'u.id', 'l.created_by')
      .where({ 'l.org_id': orgId, 'l.task_id': taskId })
      .whereRaw(living)
      .orderBy('l.created_at', 'desc')
      .select('l.id', 'l.created_at', 'l.expires_at', 'u.name')
    return rows.map((row) => ({
      id: row.id,
      createdBy: row.name,
      createdAt: row.created_at.toISOString(),
      expiresAt: row.expires_at?.toISOString() ?? null,
    }))
  }

  async insert(
    orgId: OrgId,
    taskId: TaskId,
    { createdBy, token, days }: { createdBy: UserId; token: string; days: number | null },
  ): Promise<Omit<SpecLink, 'createdBy'>> {
    const expires_at = days === null ? null : this.db.raw("now() + ? * interval '1 day'", [days])
    const row = { id: newId('link'), org_id: orgId, task_id: taskId, token_hash: hashSecret(token), created_by: createdBy, expires_at }
    const [made] = await this.db('spec_links').insert(row).returning(['id', 'created_at', 'expires_at'])
    return { id: made.id, createdAt: made.created_at.toISOString(), expiresAt: made.expires_at?.toISOString() ?? null }
  }

  /** False: the task has no such link. */
  async revoke(orgId: OrgId, taskId: TaskId, id: Id<'link'>): Promise<boolean> {
    const ofTask = () => this.db('spec_links').where({ org_id: orgId, task_id: taskId, id })
    await ofTask().whereNull('revoked_at').update({ revoked_at: this.db.fn.now() })
    return (await ofTask().first('id')) !== undefined
  }

  /** What a token opens; null when it ended, or its project or task is not to be seen. */
  async open(token: string): Promise<{ orgId: OrgId; taskId: TaskId } | null> {
    const row = await this.db('spec_links as l')
      .join('spec_tasks as t', 't.id', 'l.task_id')
      .join('projects as p', 'p.id', 't.project_id')
      .where({ 'l.token_hash': hashSecret(token), 'p.public_links': true, 'p.deleted_at': null })
      .whereNot('t.status', 'archived')
      .whereRaw(living)
      .first('l.org_id', 'l.task_id')
    return row === undefined ? null : { orgId: row.org_id, taskId: row.task_id }
  }
}
