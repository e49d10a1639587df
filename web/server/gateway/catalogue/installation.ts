import type { ProviderKind } from '@helix/contract/providers'
import type { Config } from '../../config.ts'
import { type FromFile, readProvidersFile } from './file.ts'
import { baseUrlOf, type KnownProvider } from './provider.ts'

/** What the installation gives to all its organisations. */
export interface Installation extends FromFile {
  /** Nobody configured a provider: the demo script answers who has none of their own. */
  demo: boolean
}

function ofEnvironment(kind: ProviderKind, name: string, key: string | undefined, url: string | undefined): KnownProvider[] {
  const baseUrl = key === undefined && url === undefined ? null : baseUrlOf(kind, url ?? null, {})
  if (baseUrl === null) return []
  const id = `env:${name}`
  const keys = key === undefined ? [] : [{ id: `${id}:0`, secret: key, weight: 1 }]
  return [
    {
      ...{
        id,
        name: new URL(baseUrl).host,
        kind,
        scope: 'installation',
        userId: null,
        baseUrl,
        settings: {},
        region: null,
        guarded: false,
      },
      ...{ rank: 0, weight: 1, keys, allowed: null, listed: [], facts: new Map() },
    },
  ]
}

const ownServer = (config: Config): boolean =>
  config.OPENAI_BASE_URL !== undefined && new URL(config.OPENAI_BASE_URL).host !== 'api.openai.com'

/** Reads the environment's keys and the providers file. */
export function readInstallation(config: Config): Installation {
  const file: FromFile =
    config.HELIX_PROVIDERS_FILE === undefined
      ? { providers: [], aliases: new Map(), defaultModel: null }
      : readProvidersFile(config.HELIX_PROVIDERS_FILE, config)
  const openai = ownServer(config) ? 'openai_compatible' : 'openai'
  const providers = [
    ...ofEnvironment(openai, 'openai', config.OPENAI_API_KEY, config.OPENAI_BASE_URL),
    ...ofEnvironment('anthropic', 'anthropic', config.ANTHROPIC_API_KEY, config.ANTHROPIC_BASE_URL),
    ...ofEnvironment('gemini', 'gemini', config.GEMINI_API_KEY, config.GEMINI_BASE_URL),
    ...file.providers,
  ]
  return { ...file, providers, defaultModel: config.HELIX_MODEL ?? file.defaultModel, demo: providers.length === 0 }
}
