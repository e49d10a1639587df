import type { OrgId, ProjectId, UserId } from '@helix/contract/ids'
import { type OrganisationModelRules, organisationModelRules, type ProjectModelRules, projectModelRules } from '@helix/contract/models'
import type { Knex } from 'knex'
import { eventsChannel } from '../../events/store.ts'
import { type SealingKeys, unseal } from '../../secrets/seal.ts'
import { SecretStore } from '../../secrets/store.ts'
import type { Masked } from './mask.ts'
import type { KnownProvider, ModelFacts } from './provider.ts'
import { factsKey, type OfOrganisation } from './snapshot.ts'

/** What wakes the bus when an organisation's providers, prices, aliases or rules have changed. */
export type CatalogueTopic = `catalogue:${OrgId}`
export const catalogueTopic = (orgId: OrgId): CatalogueTopic => `catalogue:${orgId}`

export const keyPlace = (orgId: OrgId, id: string) => ({ orgId, table: 'provider_keys', column: 'secret', row: id })
export const headersPlace = (orgId: OrgId, projectId: ProjectId | null) => ({
  ...{ orgId, table: 'model_rules', column: 'headers', row: projectId ?? 'organisation' },
})

/** Tells other processes; who changed something tells its own by the bus. */
export async function notifyCatalogue(db: Knex, orgId: OrgId): Promise<void> {
  await db.raw('select pg_notify(?, ?)', [eventsChannel, `${catalogueTopic(orgId)} 0`])
}

interface RulesRow {
  project_id: ProjectId | null
  rules: object
  headers: string
}

/** What the gateway needs of an organisation, opened. A key that does not open any more is told to `lost` and left out. */
export class CatalogueStore {
  private readonly db: Knex
  private readonly keys: SealingKeys
  private readonly guarded: boolean
  private readonly lost: (keyId: string, error: unknown) => void

  constructor(db: Knex, keys: SealingKeys, guarded: boolean, lost: (keyId: string, error: unknown) => void) {
    this.db = db
    this.guarded = guarded
    this.keys = keys
    this.lost = lost
  }

  async load(orgId: OrgId): Promise<OfOrganisation> {
    const of = { org_id: orgId }
    const [providers, prices, aliases, rows] = await Promise.all([
      this.providers(orgId),
      this.db('model_prices').where(of).select('provider_id', 'model', 'price', 'max_output_tokens'),
      this.db('model_aliases').where(of).orderBy('alias').select('alias', 'models'),
      this.db('model_rules').where(of).select('project_id', 'rules', 'headers') as Promise<RulesRow[]>,
    ])
    const rulesOf = (row: RulesRow) => ({
      ...row.rules,
      headers: JSON.parse(unseal(this.keys, headersPlace(orgId, row.project_id), row.headers)),
    })
    const own = rows.find((row) => row.project_id === null)
    const rules: OrganisationModelRules = organisationModelRules.parse(own === undefined ? {} : rulesOf(own))
    const projects = new Map<ProjectId, ProjectModelRules>()
    for (const row of rows) if (row.project_id !== null) projects.set(row.project_id, projectModelRules.parse(rulesOf(row)))
    return {
      providers,
      facts: new Map(prices.map((row): [string, ModelFacts] => [factsKey(row.provider_id, row.model), factsOf(row)])),
      aliases: new Map(aliases.map(({ alias, models }) => [alias, models])),
      rules,
      projects,
      secrets: await this.secrets(orgId, rules, projects),
    }
  }

  private async providers(orgId: OrgId): Promise<KnownProvider[]> {
    const [rows, keys] = await Promise.all([
      this.db('providers').where({ org_id: orgId, enabled: true }).orderBy('created_at'),
      this.db('provider_keys').where({ org_id: orgId }).orderBy('added_at').orderBy('id'),
    ])
    return rows.flatMap((row) => {
      const all = keys.filter((key) => key.provider_id === row.id)
      const opened = all.filter((key) => key.enabled).flatMap((key) => this.open(orgId, key))
      // Without a usable key among those it has, it would be asked as a stranger.
      if (all.length > 0 && opened.length === 0) return []
      return [{ ...knownOf(row), guarded: this.guarded, keys: opened }]
    })
  }

  private open(orgId: OrgId, row: { id: string; secret: string; weight: number }): KnownProvider['keys'] {
    try {
      return [{ id: row.id, secret: unseal(this.keys, keyPlace(orgId, row.id), row.secret), weight: row.weight }]
    } catch (error) {
      this.lost(row.id, error)
      return []
    }
  }

  /** Of those projects only that mask them; without a rule of its own a project masks as the organisation does. */
  private async secrets(
    orgId: OrgId,
    rules: OrganisationModelRules,
    projects: ReadonlyMap<ProjectId, ProjectModelRules>,
  ): Promise<Map<ProjectId | null, Masked>> {
    const some = rules.maskSecrets || [...projects.values()].some(({ maskSecrets }) => maskSecrets === true)
    if (!some) return new Map()
    return new SecretStore(this.db, this.keys).valuesByProject(orgId)
  }
}

const factsOf = (row: { price: ModelFacts['price']; max_output_tokens: number | null }): ModelFacts => ({
  price: row.price,
  maxOutputTokens: row.max_output_tokens,
})

interface ProviderColumns {
  id: string
  user_id: UserId | null
  name: string
  kind: KnownProvider['kind']
  base_url: string
  settings: Record<string, string>
  region: string | null
  rank: number
  weight: number
  allowed_models: string[] | null
  listed_models: string[]
}

const knownOf = (row: ProviderColumns): Omit<KnownProvider, 'keys' | 'guarded'> => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  scope: row.user_id === null ? 'organisation' : 'person',
  userId: row.user_id,
  baseUrl: row.base_url,
  settings: row.settings,
  region: row.region,
  rank: row.rank,
  weight: row.weight,
  allowed: row.allowed_models,
  listed: row.listed_models,
  facts: new Map(),
})
