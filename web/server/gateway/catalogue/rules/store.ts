import type { OrgId, ProjectId, UserId } from '@helix/contract/ids'
import type { ModelAlias } from '@helix/contract/models'
import type { Knex } from 'knex'
import { type SealingKeys, seal, unseal } from '../../../secrets/seal.ts'
import { headersPlace } from '../store.ts'

interface Rules {
  headers: Record<string, string>
}

export interface Kept {
  rules: object
  changedBy: string | null
  changedAt: string
}

/** Rules and aliases of an organisation. Headers are sealed, since one may be a secret. */
export class RulesStore {
  private readonly db: Knex
  private readonly keys: SealingKeys

  constructor(db: Knex, keys: SealingKeys) {
    this.db = db
    this.keys = keys
  }

  /** Null: nobody set any. */
  async find(orgId: OrgId, projectId: ProjectId | null): Promise<Kept | null> {
    const row = await this.db('model_rules as r')
      .leftJoin('users as u', 'u.id', 'r.changed_by')
      .where({ 'r.org_id': orgId, 'r.project_id': projectId })
      .first('r.rules', 'r.headers', 'r.changed_at', 'u.name as person')
    if (row === undefined) return null
    const headers = JSON.parse(unseal(this.keys, headersPlace(orgId, projectId), row.headers)) as Record<string, string>
    return { rules: { ...row.rules, headers }, changedBy: row.person, changedAt: row.changed_at.toISOString() }
  }

  /** False: they are not the expected ones any more; null expects that nobody set any. */
  async set<R extends Rules>(
    orgId: OrgId,
    projectId: ProjectId | null,
    { headers, ...rules }: R,
    expected: string | null | undefined,
    actorId: UserId,
  ): Promise<boolean> {
    const sealed = seal(this.keys, headersPlace(orgId, projectId), JSON.stringify(headers))
    const values = { rules: JSON.stringify(rules), headers: sealed, changed_by: actorId, changed_at: this.db.fn.now() }
    const changed = this.db('model_rules').where({ org_id: orgId, project_id: projectId })
    if (expected !== undefined) changed.whereRaw("date_trunc('milliseconds', changed_at) = ?", [expected])
    if (expected !== null && (await changed.update(values)) === 1) return true
    if (typeof expected === 'string') return false
    const row = { ...values, org_id: orgId, project_id: projectId }
    const made = this.db('model_rules').insert(row).onConflict(this.db.raw("(org_id, coalesce(project_id, ''))"))
    const rows = await (expected === null ? made.ignore() : made.merge(values)).returning('org_id')
    return rows.length === 1
  }

  async aliases(orgId: OrgId): Promise<ModelAlias[]> {
    return this.db('model_aliases').where({ org_id: orgId }).orderBy('alias').select('alias', 'models')
  }

  async setAliases(orgId: OrgId, aliases: readonly ModelAlias[]): Promise<void> {
    const rows = aliases.map(({ alias, models }) => ({ org_id: orgId, alias, models: JSON.stringify(models) }))
    await this.db.transaction(async (trx) => {
      await trx('model_aliases').where({ org_id: orgId }).delete()
      if (rows.length > 0) await trx('model_aliases').insert(rows)
    })
  }
}
