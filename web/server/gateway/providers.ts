import type { UserId } from '@helix/contract/ids'
import type { MemoryCatalogue } from './catalogue/catalogue.ts'
import { dialectOf, type ProviderDialect } from './catalogue/provider.ts'
import type { Snapshot } from './catalogue/snapshot.ts'
import { ProviderChecks } from './check.ts'
import type { Translate } from './ports/translated.ts'

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
