import type { UserId } from '@helix/contract/ids'
import type { ProviderKind } from '@helix/contract/providers'
import type { MemoryCatalogue } from './catalogue/catalogue.ts'
import type { Snapshot } from './catalogue/snapshot.ts'
import { ProviderChecks } from './check.ts'
import type { Translate } from './ports/translated.ts'

/** The interface that a provider is known by to people; its calls may be translated. */
export type ProviderDialect = 'openai' | 'anthropic' | 'google' | 'bedrock'

export function dialectOf(kind: ProviderKind): ProviderDialect {
  if (kind === 'anthropic' || kind === 'bedrock') return kind
  return kind === 'gemini' || kind === 'vertex' ? 'google' : 'openai'
}

/** What answers the calls of this person, or of an organisation's agents. */
export function inferenceOf(
  snapshot: Snapshot,
  userId: UserId | null,
): Pick<Providers, 'demo'> & { providers: ReturnType<Providers['list']> } {
  const providers = snapshot.providersOf(userId).map(({ name, kind }) => ({ name, dialect: dialectOf(kind) }))
  return { demo: providers.length === 0, providers }
}

/** Which inference the installation has. Without any, the demo script answers who has none of their own. */
export interface Providers {
  demo: boolean
  list(): { name: string; dialect: ProviderDialect }[]
  checks: ProviderChecks
}

export function createProviders(catalogue: MemoryCatalogue, translate: Translate): Providers {
  const { demo, providers } = catalogue.installation
  return {
    demo,
    list: () => providers.map(({ name, kind }) => ({ name, dialect: dialectOf(kind) })),
    checks: new ProviderChecks(() => catalogue.installation, translate),
  }
}
