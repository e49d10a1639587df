import { type Provider, type ProviderKind, providerSettings } from '@helix/contract/providers'

export interface KeyFields {
  /** Null: a new one. */
  id: string | null
  label: string
  hint: string
  value: string
  weight: string
  enabled: boolean
}

export interface ProviderFields {
  name: string
  kind: ProviderKind
  baseUrl: string
  settings: Record<string, string>
  region: string
  rank: string
  weight: string
  enabled: boolean
  keys: KeyFields[]
  models: string
}

export const newKey = (): KeyFields => ({ id: null, label: '', hint: '', value: '', weight: '1', enabled: true })

export function fieldsOf(provider: Provider | null): ProviderFields {
  return {
    name: provider?.name ?? '',
    kind: provider?.kind ?? 'openai',
    baseUrl: provider?.baseUrl ?? '',
    settings: { ...provider?.settings },
    region: provider?.region ?? '',
    rank: String(provider?.rank ?? 0),
    weight: String(provider?.weight ?? 1),
    enabled: provider?.enabled ?? true,
    keys: provider === null ? [newKey()] : provider.keys.map((key) => ({ ...key, value: '', weight: String(key.weight) })),
    models: provider?.allowedModels?.join('\n') ?? '',
  }
}

const linesOf = (text: string): string[] => [
  ...new Set(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  ),
]

/** What the API takes. Settings of other kinds, and keys that are new and empty, are left out. */
export function bodyOf(fields: ProviderFields) {
  const known = providerSettings[fields.kind].map(({ name }) => name)
  const models = linesOf(fields.models)
  const settings = Object.fromEntries(
    Object.entries(fields.settings).filter(([name, value]) => known.includes(name) && value.trim() !== ''),
  )
  return {
    name: fields.name,
    baseUrl: fields.baseUrl.trim() === '' ? null : fields.baseUrl.trim(),
    settings,
    region: fields.region.trim() === '' ? null : fields.region.trim(),
    rank: Number(fields.rank),
    weight: Number(fields.weight),
    enabled: fields.enabled,
    keys: fields.keys
      .filter(({ id, value }) => id !== null || value.trim() !== '')
      .map(({ id, label, value, weight, enabled }) => ({
        ...(id === null ? {} : { id: id as never }),
        ...(label.trim() === '' ? {} : { label: label.trim() }),
        ...(value.trim() === '' ? {} : { value: value.trim() }),
        ...{ weight: Number(weight), enabled },
      })),
    allowedModels: models.length === 0 ? null : models,
  }
}
