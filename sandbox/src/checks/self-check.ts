import type { HostCheck } from '@helix/contract/link'
import type { Host } from '../host.ts'
import { reasonOf } from '../reason.ts'
import { clockCheck, measureSkew } from './clock.ts'
import { notYet, tryReach } from './reach.ts'

/** Units: milliseconds. */
const clockEveryMs = 60_000
/** What failed is tried again; what went well is not, in this boot. */
const againMs = 60_000

/** What this host finds out about itself beyond its engine and its disk. */
export class SelfCheck {
  private readonly host: Host
  private readonly url: string
  private clock = clockCheck(null)
  private clockAt = Number.NEGATIVE_INFINITY
  private reach = notYet
  private reachAt = Number.NEGATIVE_INFINITY
  private tried: string | null = null
  /** Where sessions find the control plane; null: it has not said. */
  sessionUrl: string | null = null

  constructor(host: Host, url: string) {
    this.host = host
    this.url = url
  }

  get checks(): HostCheck[] {
    return [this.clock, this.reach]
  }

  /** Why no session is taken here; null: none of this keeps it from that. */
  get problem(): string | null {
    return this.checks.find(({ state }) => state === 'failed')?.text ?? null
  }

  async look(now = Date.now()): Promise<void> {
    if (now - this.clockAt >= clockEveryMs) {
      this.clockAt = now
      // Whether it answers is the link's to tell.
      const skew = await measureSkew(this.url).catch(() => undefined)
      if (skew !== undefined) this.clock = this.told(this.clock, clockCheck(skew))
    }
    if (this.sessionUrl !== null && this.due(this.sessionUrl, now)) await this.lookFromInside(this.sessionUrl, now)
  }

  private due(sessionUrl: string, now: number): boolean {
    return sessionUrl !== this.tried || (this.reach.state !== 'ok' && now - this.reachAt >= againMs)
  }

  private async lookFromInside(sessionUrl: string, now: number): Promise<void> {
    try {
      // Without a footing there is nothing to stand on yet.
      this.host.footing()
    } catch (error) {
      this.host.log.debug({ reason: reasonOf(error) }, 'not tried from inside yet')
      return
    }
    this.tried = sessionUrl
    this.reachAt = now
    this.reach = this.told(this.reach, await tryReach(this.host, sessionUrl))
  }

  private told(before: HostCheck, found: HostCheck): HostCheck {
    const level = found.state === 'ok' ? 'info' : 'warn'
    if (before.state !== found.state) this.host.log[level]({ check: found.name, state: found.state }, found.text)
    return found
  }
}
