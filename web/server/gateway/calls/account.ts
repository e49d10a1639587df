import type { Candidate } from '../ports/candidate.ts'
import { type Counts, costOf } from '../ports/counts.ts'
import type { Amount, Hold } from '../ports/holds.ts'
import type { Operation } from '../ports/meter.ts'
import { mostInput, noCounts } from '../tap/counts.ts'
import type { Call, Parts } from './call.ts'

/** Tokens of an answer where neither the caller nor the catalogue says how long it may be. */
const longestAnswer = 32_768

/** What a call may cost at most with the dearest of who may answer it. */
export function worstOf(call: Call, candidates: readonly Candidate[], mostOutput: number | null, answers = 1, before = 0): Amount {
  const input = before + mostInput(call.body, call.scanned ?? { media: 0, mediaBytes: 0 })
  let worst: Amount = { microUsd: 0, tokens: 0 }
  for (const { price, maxOutputTokens } of candidates) {
    const output = answers * (mostOutput ?? maxOutputTokens ?? longestAnswer)
    // Writing to a cache is the dearest input there is.
    const dear = price !== null && (price.cacheWrite ?? 0) > price.input
    const counts: Counts = { ...noCounts(), input, output, cacheWrite: dear ? input : 0 }
    worst = { microUsd: Math.max(worst.microUsd, costOf(price, counts)), tokens: Math.max(worst.tokens, input + output) }
  }
  return worst
}

/** Keeps what becomes of one call, and ends it once: its row is recorded, and what was held for it settled. */
export class Account {
  private readonly call: Call
  private readonly meter: Parts['meter']
  private readonly leave: () => void
  private ended = false
  hold: Hold | null = null
  candidate: Candidate | null = null
  attempts = 0
  firstByteMs: number | null = null

  /** Throws `database_unavailable` while no more rows can be kept. */
  constructor(call: Call, meter: Parts['meter']) {
    this.call = call
    this.meter = meter
    this.leave = meter.admit()
  }

  /** A first byte of the answer went to the client. */
  first(): void {
    this.firstByteMs ??= performance.now() - this.call.begun
  }

  /** `status` as the client sees it; 499: it left. */
  end(
    status: number,
    counts: Counts = noCounts(),
    provider = this.candidate?.provider ?? '',
    model = this.candidate?.model ?? this.call.asked,
  ): void {
    if (this.ended) return
    this.ended = true
    const { call, candidate } = this
    const microUsd = costOf(candidate?.price ?? null, counts)
    if (counts.input + counts.output > 0 || microUsd > 0) this.hold?.settle({ microUsd, tokens: counts.input + counts.output })
    else this.hold?.release()
    this.meter.record({
      scope: call.caller.scope,
      turn: call.caller.turn,
      operation: call.route.does as Operation,
      dialect: call.route.dialect,
      providerId: candidate?.providerId ?? null,
      provider,
      asked: call.asked,
      model,
      counts,
      microUsd,
      status,
      streamed: call.streamed,
      startedAt: call.startedAt,
      firstByteMs: this.firstByteMs,
      durationMs: performance.now() - call.begun,
      attempts: this.attempts,
      requestId: call.id,
    })
    this.leave()
  }
}
