import { demoModel } from '@helix/contract/gateway'
import type { Config } from '../config.ts'
import { ProviderChecks } from './check.ts'

export type ProviderDialect = 'openai' | 'anthropic'

export interface Provider {
  name: string
  dialect: ProviderDialect
  /** Origin and path prefix, ending in `/v1`. */
  baseUrl: string
  apiKey: string
}

/** Which inference is configured. Without any, the demo script answers both dialects. */
export interface Providers {
  demo: boolean
  list(): { name: string; dialect: ProviderDialect }[]
  find(dialect: ProviderDialect): Provider | null
  /** The model agents ask for when nobody chose one. */
  defaultModel(dialect: ProviderDialect): Promise<string>
  checks: ProviderChecks
}

const withVersion = (url: string): string => (/\/v\d+\/?$/.test(url) ? url.replace(/\/$/, '') : `${url.replace(/\/$/, '')}/v1`)

function configured(config: Config): Provider[] {
  const found: Provider[] = []
  if (config.OPENAI_API_KEY || config.OPENAI_BASE_URL) {
    const baseUrl = withVersion(config.OPENAI_BASE_URL ?? 'https://api.openai.com')
    found.push({ name: new URL(baseUrl).host, dialect: 'openai', baseUrl, apiKey: config.OPENAI_API_KEY ?? '' })
  }
  if (config.ANTHROPIC_API_KEY || config.ANTHROPIC_BASE_URL) {
    const baseUrl = withVersion(config.ANTHROPIC_BASE_URL ?? 'https://api.anthropic.com')
    found.push({ name: new URL(baseUrl).host, dialect: 'anthropic', baseUrl, apiKey: config.ANTHROPIC_API_KEY ?? '' })
  }
  return found
}

/** The first model that the provider lists; its default where it does not list any. */
async function firstModel(provider: Provider): Promise<string> {
  const headers =
    provider.dialect === 'openai'
      ? { authorization: `Bearer ${provider.apiKey}` }
      : { 'x-api-key': provider.apiKey, 'anthropic-version': '2023-06-01' }
  const response = await fetch(`${provider.baseUrl}/models`, { headers, signal: AbortSignal.timeout(5000) })
  const body = (await response.json()) as { data?: { id?: string }[] }
  const id = body.data?.[0]?.id
  if (id === undefined) throw new Error(`${provider.name} lists no models`)
  return id
}

export function createProviders(config: Config): Providers {
  const providers = configured(config)
  const demo = providers.length === 0
  const models = new Map<ProviderDialect, string>()
  const find = (dialect: ProviderDialect): Provider | null => providers.find((provider) => provider.dialect === dialect) ?? null
  const chosen = {
    demo,
    list: () => (demo ? [] : providers.map(({ name, dialect }) => ({ name, dialect }))),
    find,
    async defaultModel(dialect: ProviderDialect) {
      if (demo) return demoModel
      if (config.HELIX_MODEL) return config.HELIX_MODEL
      const known = models.get(dialect)
      if (known !== undefined) return known
      // The gateway translates: a provider of the other dialect serves as well.
      const provider = find(dialect) ?? providers[0] ?? null
      // A provider that is down must not keep a session from starting: its first prompt says what is wrong.
      const model = provider === null ? 'default' : await firstModel(provider).catch(() => null)
      if (model === null) return 'default'
      models.set(dialect, model)
      return model
    },
  }
  return { ...chosen, checks: new ProviderChecks(providers, ({ dialect }) => chosen.defaultModel(dialect)) }
}
