import type { Provider, ProviderHealth, ProviderModel } from '@helix/contract/providers'
import { type KnownProvider, modelsOf } from '../provider.ts'
import type { Snapshot } from '../snapshot.ts'
import type { KeyRow, ProviderRow } from './store.ts'

type Health = ReadonlyMap<string, ProviderHealth>

type Listing = Pick<KnownProvider, 'id' | 'allowed' | 'listed' | 'facts'>

const modelShown = (snapshot: Snapshot, provider: Listing, id: string): ProviderModel => {
  const { price, maxOutputTokens, from } = snapshot.factsOf(provider, id)
  return { id, price, priceFrom: from, maxOutputTokens }
}

/** A provider of the table, for people; without any key. */
export function shownRow(snapshot: Snapshot, { row, keys }: { row: ProviderRow; keys: KeyRow[] }, health: Health): Provider {
  const known: Listing = { id: row.id, allowed: row.allowed_models, listed: row.listed_models, facts: new Map() }
  return {
    ...{ id: row.id, name: row.name, kind: row.kind, baseUrl: row.base_url, settings: row.settings, region: row.region },
    ...{ rank: row.rank, weight: row.weight, enabled: row.enabled, allowedModels: row.allowed_models, check: row.verdict },
    scope: row.user_id === null ? 'organisation' : 'person',
    keys: keys.map((key) => ({
      ...{ id: key.id, label: key.label, hint: key.hint, weight: key.weight, enabled: key.enabled },
      addedAt: key.added_at.toISOString(),
    })),
    models: modelsOf(known).map((id) => modelShown(snapshot, known, id)),
    health: health.get(row.id) ?? null,
    changedBy: row.person,
    changedAt: row.changed_at.toISOString(),
  }
}

/** A provider of the installation; where it is and how many keys it has is for who runs it. */
export function shownOfInstallation(snapshot: Snapshot, provider: KnownProvider, runs: boolean, health: Health): Provider {
  const { id, name, kind, scope, rank, weight } = provider
  return {
    ...{ id, name, kind, scope, rank, weight, enabled: true, check: null, changedBy: null, changedAt: null },
    baseUrl: runs ? provider.baseUrl : null,
    settings: runs ? { ...provider.settings } : {},
    region: provider.region,
    keys: runs
      ? provider.keys.map((key, index) => ({
          id: key.id,
          label: `Key ${index + 1}`,
          hint: '',
          weight: key.weight,
          enabled: true,
          addedAt: null,
        }))
      : [],
    allowedModels: provider.allowed === null ? null : [...provider.allowed],
    models: modelsOf(provider).map((model) => modelShown(snapshot, provider, model)),
    health: health.get(id) ?? null,
  }
}
