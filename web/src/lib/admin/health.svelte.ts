import type { ResponseOf } from '@helix/contract/endpoint'
import { getHealth, type Health, listRetries } from '@helix/contract/health'
import { checkProviders } from '@helix/contract/onboarding'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'
import { Action } from '#lib/ui/action.svelte.ts'

/** Units: milliseconds. */
const againMs = 10_000

/** What the page shows, read again while it is open and seen. */
export class HealthState {
  value = $state.raw<Health>() as Health
  retries = $state.raw<ResponseOf<typeof listRetries> | null>(null)
  failure = $state.raw<Failure | null>(null)
  readonly looking = new Action()
  readonly testing = new Action()

  constructor(first: Health) {
    this.value = first
    const read = collapse(() => this.read(), 1000)
    follow(null, (event) => event.type === 'host.changed' && read(), read)
    $effect(() => {
      read()
      const timer = setInterval(() => document.visibilityState === 'visible' && read(), againMs)
      return () => clearInterval(timer)
    })
  }

  /** Each part of the page for itself: one that is late holds up nothing. */
  async read(): Promise<void> {
    await Promise.all([this.readHealth(), this.readRetries()])
  }

  /** Because a person asks; busy until the parts are known. */
  async look(): Promise<void> {
    void this.readRetries()
    await this.looking.run(() => this.readHealth())
  }

  private async readHealth(): Promise<void> {
    try {
      this.value = await call(getHealth, { query: { fresh: 'true' } })
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }

  private async readRetries(): Promise<void> {
    try {
      this.retries = await call(listRetries, {})
    } catch (error) {
      // The health of the same reading tells why.
      console.warn(failureOf(error).message)
    }
  }

  async test(): Promise<void> {
    await this.testing.run(() => call(checkProviders, { body: { fresh: true } }))
    await this.readHealth()
  }
}
