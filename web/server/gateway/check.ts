import type { ProviderCheck } from '@helix/contract/onboarding'
import type { ProviderVerdict } from '@helix/contract/providers'
import type { Installation } from './catalogue/installation.ts'
import { dialectOf, type KnownProvider } from './catalogue/provider.ts'
import { checkProviderNow } from './catalogue/providers/check.ts'
import type { Translate } from './ports/translated.ts'

/** Units: milliseconds. A good answer costs a few tokens, so it is believed for a while. */
const goodForMs = 10 * 60_000
const badForMs = 20_000
const leastPauseMs = 3000

/** A verdict as the first steps and the health page show it. */
export function checkOf({ name, kind }: Pick<KnownProvider, 'name' | 'kind'>, verdict: ProviderVerdict): ProviderCheck {
  return { ...verdict, name, dialect: dialectOf(kind), model: verdict.model ?? 'default' }
}

/** Tests the installation's providers as agents use them: with the key and the model, for a few tokens. Of many who ask at once, one test serves all. */
export class ProviderChecks {
  private readonly installation: () => Pick<Installation, 'providers' | 'defaultModel'>
  private readonly translate: Translate | null
  private known: ProviderCheck[] | null = null
  private lookedAt = 0
  private running: Promise<ProviderCheck[]> | null = null

  constructor(installation: () => Pick<Installation, 'providers' | 'defaultModel'>, translate: Translate | null) {
    this.installation = installation
    this.translate = translate
  }

  /** What was found last; null: nothing yet. */
  last(): ProviderCheck[] | null {
    return this.known
  }

  async look(fresh: boolean): Promise<ProviderCheck[]> {
    if (this.running !== null) return this.running
    const age = Date.now() - this.lookedAt
    const keep = fresh ? leastPauseMs : this.known?.every(({ ok }) => ok) ? goodForMs : badForMs
    if (this.known !== null && age < keep) return this.known
    const { providers, defaultModel } = this.installation()
    this.running = Promise.all(
      providers.map(async (provider) => checkOf(provider, (await checkProviderNow(provider, this.translate, defaultModel)).verdict)),
    )
    try {
      this.known = await this.running
      this.lookedAt = Date.now()
      return this.known
    } finally {
      this.running = null
    }
  }
}
