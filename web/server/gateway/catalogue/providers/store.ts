import type { OrgId, ProviderId, UserId } from '@helix/contract/ids'
import type { ModelPrice, Provider, ProviderChange, ProviderInput, ProviderVerdict } from '@helix/contract/providers'
import type { Knex } from 'knex'
import { newId } from '../../../context.ts'
import { type SealingKeys, seal, unseal } from '../../../secrets/seal.ts'
import type { KnownProvider } from '../provider.ts'
import { keyPlace } from '../store.ts'

/** Whose providers: of a person, or of the organisation (null). */
export type Owner = UserId | null

export interface ProviderRow {
  id: ProviderId
  user_id: UserId | null
  name: string
  kind: Provider['kind']
  base_url: string
  settings: Record<string, string>
  region: string | null
  rank: number
  weight: number
  enabled: boolean
  allowed_models: string[] | null
  listed_models: string[]
  verdict: ProviderVerdict | null
  changed_at: Date
  person: string | null
}

export interface KeyRow {
  id: string
  provider_id: ProviderId
  label: string
  hint: string
  secret: string
  weight: number
  enabled: boolean
  added_at: Date
}

export type Fields = Omit<ProviderInput, 'keys' | 'baseUrl'> & { baseUrl: string }
type Change = Omit<ProviderChange, 'keys' | 'baseUrl' | 'expectedChangedAt'> & { baseUrl?: string | undefined }
type Keys = ProviderInput['keys']

const json = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value))

const columnsOf = (values: Change) => ({
  ...(values.name === undefined ? {} : { name: values.name }),
  ...(values.baseUrl === undefined ? {} : { base_url: values.baseUrl }),
  ...(values.settings === undefined ? {} : { settings: JSON.stringify(values.settings) }),
  ...(values.region === undefined ? {} : { region: values.region }),
  ...(values.rank === undefined ? {} : { rank: values.rank }),
  ...(values.weight === undefined ? {} : { weight: values.weight }),
  ...(values.enabled === undefined ? {} : { enabled: values.enabled }),
  ...(values.allowedModels === undefined ? {} : { allowed_models: json(values.allowedModels) }),
})

/** Enough to tell keys apart, and no more than that of a short one. */
const hintOf = (value: string): string => (value.length < 12 || value.trimStart().startsWith('{') ? '' : value.slice(-4))

/** Providers of organisations and people. Keys are sealed, and opened for asking the provider alone. */
export class ProviderStore {
  private readonly db: Knex
  private readonly keys: SealingKeys

  constructor(db: Knex, keys: SealingKeys) {
    this.db = db
    this.keys = keys
  }

  private of(db: Knex, orgId: OrgId, owner: Owner) {
    return db('providers').where({ 'providers.org_id': orgId, 'providers.user_id': owner })
  }

  async list(orgId: OrgId, owner: Owner): Promise<{ row: ProviderRow; keys: KeyRow[] }[]> {
    const rows: ProviderRow[] = await this.of(this.db, orgId, owner)
      .leftJoin('users as u', 'u.id', 'providers.changed_by')
      .orderBy('providers.rank')
      .orderBy('providers.created_at')
      .select('providers.*', 'u.name as person')
    const ids = rows.map(({ id }) => id)
    const keys: KeyRow[] = await this.db('provider_keys')
      .where({ org_id: orgId })
      .whereIn('provider_id', ids)
      .orderBy('added_at')
      .orderBy('id')
    return rows.map((row) => ({ row, keys: keys.filter((key) => key.provider_id === row.id) }))
  }

  async find(orgId: OrgId, owner: Owner, id: ProviderId): Promise<{ row: ProviderRow; keys: KeyRow[] } | null> {
    return (await this.list(orgId, owner)).find(({ row }) => row.id === id) ?? null
  }

  /** Null: there is one of this name. */
  async insert(orgId: OrgId, owner: Owner, values: Fields, keys: Keys, actorId: UserId): Promise<ProviderId | null> {
    return this.db.transaction(async (trx) => {
      const id = newId('provider')
      const made = await trx('providers')
        .insert({ id, org_id: orgId, user_id: owner, kind: values.kind, changed_by: actorId, ...columnsOf(values) })
        .onConflict(trx.raw("(org_id, coalesce(user_id, ''), lower(name))"))
        .ignore()
        .returning('id')
      if (made.length === 0) return null
      await this.putKeys(trx, orgId, id, keys)
      return id
    })
  }

  /** `gone`: there is no such provider, or it is not the expected one any more; `taken`: another one has the name. */
  async update(
    orgId: OrgId,
    owner: Owner,
    id: ProviderId,
    change: Change,
    keys: Keys | undefined,
    expected: string | undefined,
    actorId: UserId,
  ): Promise<'done' | 'gone' | 'taken'> {
    return this.db.transaction(async (trx) => {
      const row = this.of(trx, orgId, owner).where({ id })
      if (expected !== undefined) row.whereRaw("date_trunc('milliseconds', changed_at) = ?", [expected])
      if ((await row.clone().forUpdate().first('id')) === undefined) return 'gone'
      if (change.name !== undefined) {
        const other = await this.of(trx, orgId, owner).whereRaw('lower(name) = lower(?)', [change.name]).whereNot({ id }).first('id')
        if (other !== undefined) return 'taken'
      }
      await row.update({ ...columnsOf(change), changed_by: actorId, changed_at: trx.fn.now() })
      if (keys !== undefined) await this.putKeys(trx, orgId, id, keys)
      return 'done'
    })
  }

  /** The keys that are named are all that stay. */
  private async putKeys(trx: Knex, orgId: OrgId, providerId: ProviderId, keys: Keys): Promise<void> {
    const kept = keys.flatMap(({ id }) => (id === undefined ? [] : [id]))
    await trx('provider_keys').where({ org_id: orgId, provider_id: providerId }).whereNotIn('id', kept).delete()
    for (const [index, { id, label, value, weight, enabled }] of keys.entries()) {
      const columns = { ...(label === undefined ? {} : { label }), weight, enabled }
      const keyId = id ?? newId('providerKey')
      const sealed = value === undefined ? {} : { secret: seal(this.keys, keyPlace(orgId, keyId), value), hint: hintOf(value) }
      if (id !== undefined) {
        await trx('provider_keys')
          .where({ org_id: orgId, provider_id: providerId, id })
          .update({ ...columns, ...sealed })
      } else if (value !== undefined) {
        const row = { label: `Key ${index + 1}`, ...columns, ...sealed }
        await trx('provider_keys').insert({ id: keyId, org_id: orgId, provider_id: providerId, ...row })
      }
    }
  }

  async remove(orgId: OrgId, owner: Owner, id: ProviderId): Promise<boolean> {
    return (await this.of(this.db, orgId, owner).where({ id }).delete()) === 1
  }

  async keepVerdict(orgId: OrgId, id: ProviderId, verdict: ProviderVerdict, listed: readonly string[] | null): Promise<void> {
    const columns = { verdict: JSON.stringify(verdict), ...(listed === null ? {} : { listed_models: JSON.stringify(listed) }) }
    await this.db('providers').where({ org_id: orgId, id }).update(columns)
  }

  /** As it is asked: with its keys. */
  opened(orgId: OrgId, { row, keys }: { row: ProviderRow; keys: KeyRow[] }, guarded: boolean): KnownProvider {
    const used = keys.filter(({ enabled }) => enabled)
    return {
      ...{ id: row.id, name: row.name, kind: row.kind, scope: row.user_id === null ? 'organisation' : 'person', userId: row.user_id },
      ...{ guarded, baseUrl: row.base_url, settings: row.settings, region: row.region, rank: row.rank, weight: row.weight },
      ...{ allowed: row.allowed_models, listed: row.listed_models, facts: new Map() },
      keys: used.map(({ id, secret, weight }) => ({ id, weight, secret: unseal(this.keys, keyPlace(orgId, id), secret) })),
    }
  }

  async setPrice(
    orgId: OrgId,
    providerId: string,
    model: string,
    values: { price: ModelPrice | null; maxOutputTokens: number | null },
    actorId: UserId,
  ): Promise<void> {
    const key = { org_id: orgId, provider_id: providerId, model }
    if (values.price === null && values.maxOutputTokens === null) {
      await this.db('model_prices').where(key).delete()
      return
    }
    const columns = {
      price: json(values.price),
      max_output_tokens: values.maxOutputTokens,
      changed_by: actorId,
      changed_at: this.db.fn.now(),
    }
    await this.db('model_prices')
      .insert({ ...key, ...columns })
      .onConflict(['org_id', 'provider_id', 'model'])
      .merge(columns)
  }

  /** With the provider its prices go too. */
  async removePrices(orgId: OrgId, providerId: ProviderId): Promise<void> {
    await this.db('model_prices').where({ org_id: orgId, provider_id: providerId }).delete()
  }
}
