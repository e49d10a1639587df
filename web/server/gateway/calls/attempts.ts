import { HelixError } from '@helix/contract/errors'
import { asHelixError } from '../../http/errors.ts'
import { keyOf } from '../choice/key.ts'
import { longestWaitMs } from '../choice/turnstile.ts'
import type { Candidate, Policy } from '../ports/candidate.ts'
import type { Translated } from '../ports/translated.ts'
import { collect } from '../upstream/decoded.ts'
import { Exchange, type Head } from '../upstream/exchange.ts'
import { optionsOf } from '../upstream/requests.ts'
import { retryAfterMs } from '../upstream/retry-after.ts'
import type { Account } from './account.ts'
import { bodyFor } from './body.ts'
import { type Call, Left, type Parts } from './call.ts'
import { askTranslated } from './translated.ts'

/** A provider that has begun to answer well. */
export type Begun =
  | { candidate: Candidate; kind: 'passed'; exchange: Exchange; head: Head }
  | { candidate: Candidate; kind: 'translated'; answer: Translated }

/** A provider that refused; its words, should nobody else do better. */
export interface Refused {
  candidate: Candidate
  kind: 'refused'
  status: number
  contentType: string
  retryAfterMs: number | null
  body: Buffer
}

/** Units: bytes. */
const longestRefusal = 1024 * 1024

/** Another key, provider or moment may do better. */
const elsewhere = (status: number): boolean => [401, 402, 403, 404, 408, 409, 429].includes(status) || status >= 500

/** Asks those who may answer, one after the other, until one begins to. Nothing has reached the client before that. */
export class Attempts {
  private readonly call: Call
  private readonly parts: Parts
  private readonly account: Account
  private readonly policy: Policy
  private refused: Refused | null = null
  private error: HelixError | null = null

  constructor(call: Call, parts: Parts, account: Account, policy: Policy) {
    this.call = call
    this.parts = parts
    this.account = account
    this.policy = policy
  }

  /** Throws `provider_failed` where nobody answered at all. */
  async begin(candidates: readonly Candidate[]): Promise<Begun | Refused> {
    for (let round = 0; round < 3; round++) {
      const waiting = round === 0 ? null : this.refused
      if (round > 0 && (waiting?.status !== 429 || waiting.retryAfterMs === null || waiting.retryAfterMs > longestWaitMs)) break
      const begun = await this.round(candidates)
      if (begun !== null) return begun
    }
    if (this.refused !== null) return this.refused
    throw this.error ?? new HelixError('provider_failed')
  }

  private async round(candidates: readonly Candidate[]): Promise<Begun | Refused | null> {
    const { turnstiles, breaker } = this.parts
    const open = candidates.filter((one) => turnstiles.of(one).restMs === 0 && turnstiles.of(one).waiting === 0)
    const soonest = candidates.toSorted((a, b) => turnstiles.of(a).restMs - turnstiles.of(b).restMs).slice(0, 1)
    for (const candidate of open.length > 0 ? open : soonest) {
      await this.turnOf(candidate)
      if (!breaker.admits(keyOf(candidate))) {
        this.error ??= resting(candidate, breaker)
        continue
      }
      const answer = await this.settled(candidate)
      if (answer === null) continue
      if (answer.kind !== 'refused') return answer
      if (!elsewhere(answer.status)) return answer
      // Who goes first is who was meant; of its key or of a model it does not have nobody wants to hear.
      if (this.refused === null || [401, 403, 404].includes(this.refused.status)) this.refused = answer
    }
    return null
  }

  private async turnOf(candidate: Candidate): Promise<void> {
    try {
      await this.parts.turnstiles.of(candidate).pass(this.call.caller.scope.orgId, this.call.left)
    } catch (error) {
      // The provider's own words are better than ours.
      if (this.refused === null || this.call.left.aborted) throw error
      this.parts.turnstiles.of(candidate).close(0)
    }
  }

  /** One candidate, once more where the connection failed; null: it did not answer. */
  private async settled(candidate: Candidate): Promise<Begun | Refused | null> {
    const { breaker, turnstiles } = this.parts
    const key = keyOf(candidate)
    for (let attempt = 1; ; attempt++) {
      this.account.attempts++
      this.account.candidate = candidate
      const asked = performance.now()
      try {
        const answer = await this.ask(candidate)
        if (answer.kind === 'refused') this.judge(answer)
        else {
          breaker.good(key, performance.now() - asked)
          turnstiles.of(candidate).taken()
        }
        return answer
      } catch (error) {
        if (this.call.left.aborted) {
          breaker.gaveUp(key)
          throw error
        }
        const known = error instanceof HelixError ? error : away(candidate, error)
        // What this one cannot do another may, and it is no fault of its own.
        if (known.code !== 'provider_failed') {
          breaker.gaveUp(key)
          this.error ??= known
          return null
        }
        breaker.failed(key, known.message)
        this.error = known
        // Nothing was answered yet: one more try is safe.
        if (attempt >= 2 || error instanceof HelixError || isTimeout(error)) return null
      }
    }
  }

  private judge({ candidate, status, retryAfterMs: after }: Refused): void {
    const { breaker, turnstiles } = this.parts
    const key = keyOf(candidate)
    if (status === 429) turnstiles.of(candidate).close(after ?? 1000)
    if (status === 401 || status === 403) breaker.failed(key, `${candidate.provider} refuses the key.`, true)
    else if (status >= 500) breaker.failed(key, `${candidate.provider} answers ${status}.`)
    else if (status === 429) breaker.gaveUp(key)
    // It did hear and answer.
    else breaker.good(key, null)
  }

  private async ask(candidate: Candidate): Promise<Begun | Refused> {
    const { dialect } = this.call.route
    if (dialect !== null && !passes(candidate, dialect)) return askTranslated(this.call, this.parts, candidate, this.policy)
    const { call } = this
    const body = call.method === 'POST' ? bodyFor(call, candidate, this.policy) : null
    const outgoing = { method: call.method, route: call.route, query: call.query, headers: call.headers, body, added: this.policy.headers }
    const exchange = new Exchange(this.parts.pools.of(candidate), optionsOf(candidate, outgoing))
    const leave = (): void => exchange.abort(new Left())
    if (call.left.aborted) leave()
    call.left.addEventListener('abort', leave, { once: true })
    const head = await exchange.head
    if (head.status < 400) return { candidate, kind: 'passed', exchange, head }
    const refusal = await collect(exchange, head.headers['content-encoding'], longestRefusal)
    const contentType = String(head.headers['content-type'] ?? '')
    return { candidate, kind: 'refused', status: head.status, contentType, retryAfterMs: retryAfterMs(head.headers), body: refusal }
  }
}

/** Vertex and Bedrock are asked in ways of their own, whatever they speak. */
export function passes(candidate: Candidate, dialect: Candidate['speaks'][number]): boolean {
  return candidate.kind !== 'vertex' && candidate.kind !== 'bedrock' && candidate.speaks.includes(dialect)
}

const isTimeout = (error: unknown): boolean => /TIMEOUT/.test((error as { code?: string }).code ?? '')

function away(candidate: Candidate, error: unknown): HelixError {
  const { code, message } = error as { code?: string; message?: string }
  const why = code === 'UND_ERR_HEADERS_TIMEOUT' ? 'in time' : `: ${message ?? asHelixError(error).message}`
  return new HelixError('provider_failed', `The provider ${candidate.provider} does not answer${why === 'in time' ? ' in time.' : why}`)
}

function resting(candidate: Candidate, breaker: Parts['breaker']): HelixError {
  const key = keyOf(candidate)
  const retryAfter = Math.max(1000, breaker.restOf(key))
  const why = breaker.reasonOf(key) ?? `${candidate.provider} fails.`
  return new HelixError('provider_failed', `${why} It is asked again in ${Math.ceil(retryAfter / 1000)} s.`, { retryAfterMs: retryAfter })
}
