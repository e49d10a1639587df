import type { UserId } from '@helix/contract/ids'
import { type ModelPrice, type ProviderKind, providerSettings, standardUrl } from '@helix/contract/providers'
import type { ConversationDialect } from '../ports/candidate.ts'

/** What is said of a model: null where it is not known. */
export interface ModelFacts {
  price: ModelPrice | null
  maxOutputTokens: number | null
}

/** A provider as the gateway uses it, with its keys opened. */
export interface KnownProvider {
  id: string
  name: string
  kind: ProviderKind
  scope: 'person' | 'organisation' | 'installation'
  /** Whose it is, of a person. */
  userId: UserId | null
  baseUrl: string
  settings: Readonly<Record<string, string>>
  region: string | null
  /** Reaches public addresses only. */
  guarded: boolean
  rank: number
  weight: number
  /** Those in use; a provider without any is asked without a key. */
  keys: readonly { id: string; secret: string; weight: number }[]
  /** Null: whatever it is asked for is passed on. */
  allowed: readonly string[] | null
  /** As it lists them itself. */
  listed: readonly string[]
  facts: ReadonlyMap<string, ModelFacts>
}

/** The interface that a provider is known by to people; its calls may be translated. */
export type ProviderDialect = 'openai' | 'anthropic' | 'google' | 'bedrock'

export function dialectOf(kind: ProviderKind): ProviderDialect {
  if (kind === 'anthropic' || kind === 'bedrock') return kind
  return kind === 'gemini' || kind === 'vertex' ? 'google' : 'openai'
}

export const modelsOf = ({ allowed, listed }: Pick<KnownProvider, 'allowed' | 'listed'>): readonly string[] => allowed ?? listed

/** Ending in `/v1` where nobody gave a version. */
export const withVersion = (url: string): string => (/\/v\d+\/?$/.test(url) ? url.replace(/\/$/, '') : `${url.replace(/\/$/, '')}/v1`)

/** The base address as the gateway wants it; null: it has to be given. */
export function baseUrlOf(kind: ProviderKind, given: string | null, settings: Readonly<Record<string, string>>): string | null {
  if (given === null) return standardUrl(kind, settings)
  const bare = given.replace(/\/+$/, '')
  if (kind === 'gemini') return /\/v\d+(beta|alpha)?\d*$/.test(bare) ? bare : `${bare}/v1beta`
  if (kind === 'azure_openai') return /\/openai(\/v1)?$/.test(bare) ? bare : `${bare}/openai/v1`
  return kind === 'openai' || kind === 'openai_compatible' || kind === 'anthropic' ? withVersion(bare) : bare
}

/** The region by which rules let a provider through: what was said of it, else what its kind needs anyway. */
export const regionOf = (region: string | null, settings: Readonly<Record<string, string>>): string | null =>
  region ?? settings.region ?? settings.location ?? null

/** What is wrong with the settings of a kind, by field; null when nothing is. */
export function settingsProblem(kind: ProviderKind, settings: Readonly<Record<string, string>>): { field: string; message: string } | null {
  const known = providerSettings[kind]
  const stranger = Object.keys(settings).find((name) => !known.some((one) => one.name === name))
  if (stranger !== undefined) return { field: `settings.${stranger}`, message: 'is no setting of this kind' }
  const missing = known.find(({ name, required }) => required && !settings[name])
  if (missing !== undefined) return { field: `settings.${missing.name}`, message: 'is needed for this kind' }
  // They become part of a host's name or a path.
  const odd = known.find(({ name }) => settings[name] !== undefined && !/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/.test(settings[name]))
  return odd === undefined ? null : { field: `settings.${odd.name}`, message: 'has characters that are not allowed' }
}

/** What a model of a provider speaks without translation. */
export function speaks(provider: Pick<KnownProvider, 'kind' | 'settings'>): readonly ConversationDialect[] {
  switch (provider.kind) {
    case 'openai':
    case 'azure_openai':
      return both
    case 'openai_compatible':
      return provider.settings.responses === 'yes' ? both : chat
    case 'anthropic':
      return messages
    case 'gemini':
      return generate
    // They sign each call in their own way, which the libraries of the translation do.
    case 'vertex':
    case 'bedrock':
      return none
  }
}

const both: readonly ConversationDialect[] = ['chat', 'responses']
const chat: readonly ConversationDialect[] = ['chat']
const messages: readonly ConversationDialect[] = ['messages']
const generate: readonly ConversationDialect[] = ['generate']
const none: readonly ConversationDialect[] = []

const families: readonly [RegExp, readonly ProviderKind[]][] = [
  [/claude/, ['anthropic', 'bedrock', 'vertex']],
  [/^(gpt|o\d|chatgpt|codex|text-embedding|dall-e|whisper|tts)/, ['openai', 'azure_openai']],
  [/^(models\/)?gemini/, ['gemini', 'vertex']],
]

/** The kinds at home with a model that nobody lists; null: its name says nothing. */
export const kindsFor = (model: string): readonly ProviderKind[] | null => families.find(([name]) => name.test(model))?.[1] ?? null
