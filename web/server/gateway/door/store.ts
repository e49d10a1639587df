import type { OrgId, ProjectId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Scope } from '../ports/scope.ts'

/** Who calls, and what its session was at. */
export interface Caller {
  scope: Scope
  turn: { promptId: string | null; step: number | null } | null
}

/** A token that was good and is not any more, or that never was. */
export type NoCaller = 'ended' | 'unknown'

interface SessionRow {
  org_id: OrgId
  project_id: ProjectId
  task_id: TaskId | null
  session_id: SessionId
  started_by: UserId
  ended: boolean
  prompt_id: string | null
  step: number | null
}

/** Reads who a token is, by its hash. */
export class CallerStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async ofSession(hash: string): Promise<Caller | NoCaller> {
    const row: SessionRow | undefined = await this.db('session_tokens as t')
      .join('agent_sessions as s', 's.id', 't.session_id')
      .leftJoin('spec_tasks as k', 'k.id', 's.task_id')
      .where({ 't.token_hash': hash })
      .first(
        ...['t.org_id', 's.project_id', 's.task_id', 't.session_id', 's.started_by', 'k.step'],
        this.db.raw("(t.revoked_at is not null or s.state = 'stopped') as ended"),
        this.db.raw("(select id from prompts p where p.session_id = s.id and p.state = 'running' limit 1) as prompt_id"),
      )
    if (row === undefined) return 'unknown'
    if (row.ended) return 'ended'
    const ids = { orgId: row.org_id, projectId: row.project_id, taskId: row.task_id, sessionId: row.session_id, userId: row.started_by }
    return { scope: { ...ids, keyPrefix: null }, turn: { promptId: row.prompt_id, step: row.step } }
  }

  async ofApiKey(hash: string): Promise<Caller | NoCaller> {
    const row = await this.db('api_keys as k')
      .join('memberships as m', (join) => join.on('m.org_id', 'k.org_id').andOn('m.user_id', 'k.user_id'))
      .where({ 'k.secret_hash': hash })
      .whereNull('k.revoked_at')
      .whereNull('m.deactivated_at')
      .andWhereRaw('(k.expires_at is null or k.expires_at > now())')
      .first(
        ...['k.id', 'k.org_id', 'k.user_id', 'k.prefix'],
        this.db.raw("coalesce(k.last_used_at < now() - interval '1 minute', true) as long_unused"),
      )
    if (row === undefined) return 'unknown'
    if (row.long_unused) await this.db('api_keys').where({ id: row.id }).update({ last_used_at: this.db.fn.now() })
    const scope = { orgId: row.org_id, projectId: null, taskId: null, sessionId: null, userId: row.user_id, keyPrefix: row.prefix }
    return { scope, turn: null }
  }
}
