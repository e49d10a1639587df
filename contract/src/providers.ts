import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { line, text, timestamp } from './text.ts'

export const providerKinds = ['openai', 'openai_compatible', 'azure_openai', 'anthropic', 'gemini', 'vertex', 'bedrock'] as const
export const providerKind = z.enum(providerKinds)
export type ProviderKind = z.infer<typeof providerKind>

/** Whose a provider is. Those of the installation are seen by all organisations and set up by who runs it. */
export const providerScopes = ['person', 'organisation', 'installation'] as const

/** Units: micro-dollars for a million tokens. */
const amount = z.number().int().min(0).max(10_000_000_000)
export const modelPrice = z.object({
  input: amount,
  output: amount,
  /** Null: as input. */
  cachedInput: amount.nullable(),
  cacheWrite: amount.nullable(),
  /** What holds for a call whose input is above so many tokens. */
  long: z
    .object({
      aboveTokens: z.number().int().min(1).max(100_000_000),
      input: amount,
      output: amount,
      cachedInput: amount.nullish(),
      cacheWrite: amount.nullish(),
    })
    .nullable(),
})
export type ModelPrice = z.infer<typeof modelPrice>

export const modelName = line(200)

export const providerModel = z.object({
  id: z.string(),
  price: modelPrice.nullable(),
  /** `own`: set in this organisation; `file`: by who runs the installation; `list`: of the vendor’s published list; null: no price is known. */
  priceFrom: z.enum(['own', 'file', 'list']).nullable(),
  maxOutputTokens: z.number().int().nullable(),
})
export type ProviderModel = z.infer<typeof providerModel>

/** What a kind needs besides address and key, by name. */
export const providerSettings: Record<ProviderKind, readonly { name: string; required: boolean }[]> = {
  openai: [],
  openai_compatible: [{ name: 'responses', required: false }],
  azure_openai: [{ name: 'apiVersion', required: false }],
  anthropic: [],
  gemini: [],
  vertex: [
    { name: 'project', required: true },
    { name: 'location', required: true },
  ],
  bedrock: [
    { name: 'region', required: true },
    { name: 'accessKeyId', required: false },
  ],
}

/** Where a kind is when nobody says otherwise; null: it has to be said. */
export function standardUrl(kind: ProviderKind, settings: Readonly<Record<string, string>>): string | null {
  switch (kind) {
    case 'openai':
      return 'https://api.openai.com/v1'
    case 'anthropic':
      return 'https://api.anthropic.com/v1'
    case 'gemini':
      return 'https://generativelanguage.googleapis.com/v1beta'
    case 'vertex': {
      const { location = '' } = settings
      return location === 'global' ? 'https://aiplatform.googleapis.com/v1' : `https://${location}-aiplatform.googleapis.com/v1`
    }
    case 'bedrock':
      return `https://bedrock-runtime.${settings.region ?? ''}.amazonaws.com`
    default:
      return null
  }
}

/** What came of asking a provider for its models and for a few tokens. */
export const providerVerdict = z.object({
  ok: z.boolean(),
  /** The model that was asked. */
  model: z.string().nullable(),
  /** One sentence for people; null when all is well. */
  problem: z.string().nullable(),
  fix: z.string().nullable(),
  /** The provider’s own words, without keys. */
  detail: z.string().nullable(),
  durationMs: z.number().int(),
  checkedAt: timestamp,
})
export type ProviderVerdict = z.infer<typeof providerVerdict>

/** Of the last 15 minutes, from the calls themselves. */
export const providerHealth = z.object({
  state: z.enum(['unused', 'well', 'limited', 'failing']),
  calls: z.number().int(),
  failed: z.number().int(),
  limited: z.number().int(),
  /** Until the first byte of the middle one of the good calls. Units: milliseconds. */
  firstByteMs: z.number().int().nullable(),
  lastFailureAt: timestamp.nullable(),
})
export type ProviderHealth = z.infer<typeof providerHealth>

export const providerKey = z.object({
  id: z.string(),
  label: z.string(),
  /** The last characters, to tell keys apart. The key itself is never answered. */
  hint: z.string(),
  weight: z.number().int(),
  enabled: z.boolean(),
  addedAt: timestamp.nullable(),
})

export const provider = z.object({
  id: z.string(),
  name: z.string(),
  kind: providerKind,
  scope: z.enum(providerScopes),
  /** Null: of the installation, for who does not run it. */
  baseUrl: z.string().nullable(),
  settings: z.record(z.string(), z.string()),
  region: z.string().nullable(),
  rank: z.number().int(),
  weight: z.number().int(),
  enabled: z.boolean(),
  keys: z.array(providerKey),
  /** Null: whatever it is asked for is passed on. */
  allowedModels: z.array(z.string()).nullable(),
  /** Those that it lists, or those that are allowed. */
  models: z.array(providerModel),
  check: providerVerdict.nullable(),
  health: providerHealth.nullable(),
  changedBy: z.string().nullable(),
  changedAt: timestamp.nullable(),
})
export type Provider = z.infer<typeof provider>

const rank = z.number().int().min(0).max(99)
const weight = z.number().int().min(1).max(1000)
const region = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9-]{0,59}$/, 'expected a short name in small letters, like eu or us-east-1')
export const regionName = region

const keyInput = z.object({
  /** Of a key that is there already; absent: a new one. Keys that are left out are removed. */
  id: idSchema('providerKey').optional(),
  label: line(80).optional(),
  /** Needed for a new key; replaces the value of one that is there. */
  value: text(20_000).min(1).optional(),
  weight: weight.default(1),
  enabled: z.boolean().default(true),
})

const fields = z.object({
  name: line(80),
  kind: providerKind,
  /** Absent or null: where the kind usually is. */
  baseUrl: z.url('expected an address like https://models.example.com/v1').max(2000).nullish(),
  settings: z.record(z.string().max(40), z.string().trim().max(400)).default({}),
  region: region.nullish(),
  /** Lower goes first. */
  rank: rank.default(0),
  /** Among those of the same rank. */
  weight: weight.default(1),
  enabled: z.boolean().default(true),
  keys: z.array(keyInput).max(20).default([]),
  allowedModels: z.array(modelName).min(1, 'name at least one model, or allow all').max(500).nullish(),
})
export type ProviderInput = z.output<typeof fields>

const change = z.object({
  name: line(80).optional(),
  baseUrl: z.url('expected an address like https://models.example.com/v1').max(2000).nullish(),
  settings: z.record(z.string().max(40), z.string().trim().max(400)).optional(),
  region: region.nullish(),
  rank: rank.optional(),
  weight: weight.optional(),
  enabled: z.boolean().optional(),
  keys: z.array(keyInput).max(20).optional(),
  allowedModels: z.array(modelName).min(1, 'name at least one model, or allow all').max(500).nullish(),
  /** `changedAt` as the caller knows it; another one answers conflict with who was first. */
  expectedChangedAt: timestamp.optional(),
})
export type ProviderChange = z.output<typeof change>

const ofProvider = z.object({ providerId: idSchema('provider') })

export const listProviders = defineEndpoint({
  method: 'GET',
  path: '/api/v1/providers',
  permission: 'organisation:write',
  summary: 'Inference providers of the organisation and of the installation, with their health; keys are never answered',
  response: z.object({ items: z.array(provider) }),
})

export const createProvider = defineEndpoint({
  method: 'POST',
  path: '/api/v1/providers',
  permission: 'organisation:write',
  summary: 'Add an inference provider; it is asked for its models and for a few tokens, and what came of it is answered',
  body: fields,
  response: provider,
  errors: ['conflict'],
})

export const updateProvider = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/providers/:providerId',
  permission: 'organisation:write',
  summary: 'Change an inference provider or its keys; it is asked again',
  params: ofProvider,
  body: change,
  response: provider,
  errors: ['conflict'],
})

export const deleteProvider = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/providers/:providerId',
  permission: 'organisation:write',
  summary: 'Remove an inference provider with its keys; calls that are under way end as they would',
  params: ofProvider,
})

export const checkProvider = defineEndpoint({
  method: 'POST',
  path: '/api/v1/providers/:providerId/check',
  permission: 'organisation:write',
  summary: 'Ask a provider for its models and for a few tokens now',
  params: ofProvider,
  response: provider,
})

/** A provider of the organisation by its id, or one of the installation, as `env:openai`. */
const anyProvider = z.string().regex(/^(prv_[0-9a-z]{26}|(env|file):[a-z0-9-]{1,60})$/, 'expected the id of a provider')

export const setProviderModel = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/providers/:providerId/models',
  permission: 'organisation:write',
  summary: 'What a model costs at a provider, for this organisation; without a price the published or configured one holds again',
  params: z.object({ providerId: anyProvider }),
  body: z.object({
    model: modelName,
    price: modelPrice.nullable(),
    maxOutputTokens: z.number().int().min(1).max(10_000_000).nullable().default(null),
  }),
  response: providerModel,
})

export const listOwnProviders = defineEndpoint({
  method: 'GET',
  path: '/api/v1/account/providers',
  permission: 'account:self',
  summary: 'The caller’s own inference providers in this organisation; used for the caller’s calls before the organisation’s',
  response: z.object({ items: z.array(provider), allowed: z.boolean() }),
})

export const createOwnProvider = defineEndpoint({
  method: 'POST',
  path: '/api/v1/account/providers',
  permission: 'account:self',
  summary: 'Add an own inference provider',
  body: fields,
  response: provider,
  errors: ['conflict', 'forbidden'],
})

export const updateOwnProvider = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/account/providers/:providerId',
  permission: 'account:self',
  summary: 'Change an own inference provider or its keys',
  params: ofProvider,
  body: change,
  response: provider,
  errors: ['conflict'],
})

export const deleteOwnProvider = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/account/providers/:providerId',
  permission: 'account:self',
  summary: 'Remove an own inference provider with its keys',
  params: ofProvider,
})

export const checkOwnProvider = defineEndpoint({
  method: 'POST',
  path: '/api/v1/account/providers/:providerId/check',
  permission: 'account:self',
  summary: 'Ask an own provider for its models and for a few tokens now',
  params: ofProvider,
  response: provider,
})
