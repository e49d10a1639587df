import { HelixError } from '@helix/contract/errors'
import { Agent, buildConnector, type Dispatcher, Pool } from 'undici'
import { guardedConnector } from '../catalogue/guard.ts'
import type { Candidate } from '../ports/candidate.ts'

export interface UpstreamLimits {
  /** Units: milliseconds to a connection, to the head of an answer, and between two pieces of it. */
  connectMs: number
  headMs: number
  pauseMs: number
}

/** Models think for minutes before they say anything. */
export const upstreamLimits: UpstreamLimits = { connectMs: 10_000, headMs: 600_000, pauseMs: 300_000 }

/** A thousand streams of one provider are a thousand connections. */
const connections = 4096
const mostPools = 500

/** One pool of connections for each provider and key; those that were not used for longest are closed when there are many. */
export class Pools implements AsyncDisposable {
  private readonly limits: UpstreamLimits
  private readonly pools = new Map<string, Pool>()
  private readonly agents = new Map<boolean, Agent>()

  constructor(limits: UpstreamLimits = upstreamLimits) {
    this.limits = limits
  }

  of(candidate: Candidate): Pool {
    const { origin } = addressOf(candidate)
    const key = `${origin} ${candidate.providerId} ${candidate.key.id} ${candidate.guarded}`
    const known = this.pools.get(key)
    if (known !== undefined) {
      this.pools.delete(key)
      this.pools.set(key, known)
      return known
    }
    const pool = new Pool(origin, { connections, ...this.optionsFor(candidate.guarded) })
    this.pools.set(key, pool)
    if (this.pools.size > mostPools) this.closeOldest()
    return pool
  }

  /** For who asks more than one address in a candidate's name, as Vertex does for its tokens. */
  agentOf({ guarded }: Candidate): Dispatcher {
    const agent = this.agents.get(guarded) ?? new Agent(this.optionsFor(guarded))
    this.agents.set(guarded, agent)
    return agent
  }

  private optionsFor(guarded: boolean) {
    const { connectMs, headMs, pauseMs } = this.limits
    // Without it the end of a large body may wait 40 ms for an acknowledgement that its receiver puts off.
    const options = { timeout: connectMs, allowH2: false, noDelay: true }
    const connect = guarded ? guardedConnector(options) : buildConnector(options)
    return { connect, headersTimeout: headMs, bodyTimeout: pauseMs, allowH2: false, pipelining: 1 }
  }

  private closeOldest(): void {
    const [oldest] = this.pools
    if (oldest === undefined) return
    this.pools.delete(oldest[0])
    oldest[1].close().catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.pools.values(), ...this.agents.values()]
    await Promise.all(all.map((one) => one.destroy().catch(() => undefined)))
  }
}

export function addressOf(candidate: Candidate): URL {
  const url = URL.parse(candidate.baseUrl)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new HelixError('provider_failed', `The address of the provider ${candidate.provider} is no URL: an administrator must set it.`)
  return url
}
