import type { OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'

/** Something that a provider keeps for an organisation. */
export interface StoredObject {
  providerId: string
  id: string
  orgId: OrgId
  kind: 'response' | 'file'
  keyId: string
  /** As it was asked for; empty for files. */
  model: string
  /** Tokens of the conversation up to here. */
  tokens: number
}

/** Providers keep responses for a month, files until they are deleted. */
const keptResponses = "interval '40 days'"

export class StoredObjectStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async insert(one: StoredObject): Promise<void> {
    const { providerId: provider_id, id, orgId: org_id, kind, keyId: key_id, model, tokens } = one
    await this.db('gateway_objects')
      .insert({ provider_id, id, org_id, kind, key_id, model, tokens })
      .onConflict(['org_id', 'id', 'provider_id'])
      .merge(['tokens'])
    await this.db('gateway_objects').where({ org_id, kind: 'response' }).andWhereRaw(`created_at < now() - ${keptResponses}`).delete()
  }

  async find(orgId: OrgId, kind: StoredObject['kind'], id: string): Promise<StoredObject | null> {
    const row = await this.db('gateway_objects').where({ org_id: orgId, kind, id }).orderBy('created_at', 'desc').first()
    if (row === undefined) return null
    return { providerId: row.provider_id, id, orgId, kind, keyId: row.key_id, model: row.model, tokens: row.tokens }
  }

  async ids(orgId: OrgId, kind: StoredObject['kind'], providerId: string): Promise<Set<string>> {
    const rows: { id: string }[] = await this.db('gateway_objects').where({ org_id: orgId, kind, provider_id: providerId }).select('id')
    return new Set(rows.map(({ id }) => id))
  }

  async remove(orgId: OrgId, id: string): Promise<void> {
    await this.db('gateway_objects').where({ org_id: orgId, id }).delete()
  }
}
