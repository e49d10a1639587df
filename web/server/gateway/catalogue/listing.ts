import type { Logger } from 'pino'
import type { Installation } from './installation.ts'
import type { KnownProvider } from './provider.ts'

/** Units: milliseconds. */
const goodForMs = 10 * 60_000
const badForMs = 20_000

export type ListModels = (provider: KnownProvider) => Promise<readonly string[]>

/** Knows which models the installation's providers list: asked when somebody needs them, at most each ten minutes, together for all who ask. */
export class Listing {
  installation: Installation
  /** Counts what was learnt. */
  version = 0
  private readonly list: ListModels
  private readonly log: Logger
  private askAt = 0
  private running: Promise<void> | null = null

  constructor(installation: Installation, list: ListModels, log: Logger) {
    this.installation = installation
    this.list = list
    this.log = log
  }

  async look(): Promise<void> {
    if (this.running !== null) return this.running
    if (Date.now() < this.askAt || this.installation.providers.every(({ allowed }) => allowed !== null)) return
    this.running = this.ask()
    try {
      await this.running
    } finally {
      this.running = null
    }
  }

  private async ask(): Promise<void> {
    let good = true
    const providers = await Promise.all(
      this.installation.providers.map(async (provider) => {
        if (provider.allowed !== null) return provider
        try {
          return { ...provider, listed: await this.list(provider) }
        } catch (err) {
          good = false
          this.log.warn({ err, provider: provider.name }, 'a provider does not list its models')
          return provider
        }
      }),
    )
    this.askAt = Date.now() + (good ? goodForMs : badForMs)
    const same = providers.every(({ listed }, index) => String(listed) === String(this.installation.providers[index]?.listed))
    if (same) return
    this.installation = { ...this.installation, providers }
    this.version++
  }
}
