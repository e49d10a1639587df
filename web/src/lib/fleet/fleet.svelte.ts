import type { ResponseOf } from '@helix/contract/endpoint'
import { type FleetHost, getFleet } from '@helix/contract/fleet'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'

export type Fleet = ResponseOf<typeof getFleet>

/** Units: milliseconds. Hosts tell their load this often. */
const againMs = 10_000

/** Hosts, the queue and shares: read again when a host or a session changes, and as often as hosts report while the page is seen. */
export class FleetState {
  value = $state.raw<Fleet>() as Fleet
  failure = $state.raw<Failure | null>(null)
  readonly reread: () => void

  constructor(first: Fleet, since: string | null) {
    this.value = first
    this.reread = collapse(() => this.read(), 1000)
    const about = new Set(['host.changed', 'session.changed'])
    follow(since, (event) => about.has(event.type) && this.reread(), this.reread)
    $effect(() => {
      const timer = setInterval(() => document.visibilityState === 'visible' && this.reread(), againMs)
      return () => clearInterval(timer)
    })
  }

  /** What a change of a host was answered with. */
  put(host: FleetHost): void {
    this.value = { ...this.value, hosts: this.value.hosts.map((one) => (one.id === host.id ? host : one)) }
    this.reread()
  }

  private async read(): Promise<void> {
    try {
      this.value = await call(getFleet, {})
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }
}
