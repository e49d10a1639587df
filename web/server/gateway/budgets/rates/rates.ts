import { HelixError } from '@helix/contract/errors'
import type { OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { Amount } from '../../ports/holds.ts'
import { type Draw, draw, pourBack } from './store.ts'

/** One bucket that a call is drawn from. */
export interface BucketRef {
  orgId: OrgId
  /** Of all that processes share: `session/ses_…/tokens`. */
  name: string
  scope: 'organisation' | 'key' | 'session'
  kind: 'requests' | 'tokens'
  perMinute: number
}

/** What this process has drawn and not used yet. */
interface Drawn {
  orgId: OrgId
  level: number
  usedAt: number
  /** Drawn last time, for how much to draw next. */
  last: number
  lastAt: number
  drawing: Promise<void> | null
}

/** Units: milliseconds. */
const idleMs = 1000
const whose = { organisation: 'the organisation', key: 'this API key', session: 'this session' } as const

/** A call that is larger than a minute’s worth takes all of that. */
const needOf = ({ kind, perMinute }: BucketRef, worst: Amount): number => (kind === 'requests' ? 1 : Math.min(worst.tokens, perMinute))

function limited({ scope, kind, perMinute }: BucketRef, waitMs: number): HelixError {
  const what = kind === 'requests' ? `${perMinute.toLocaleString('en')} calls` : `${perMinute.toLocaleString('en')} tokens`
  const retryAfterMs = Math.max(100, waitMs)
  const seconds = Math.ceil(retryAfterMs / 1000)
  return new HelixError('rate_limited', `${whose[scope]} may use ${what} a minute: try again in ${seconds} s.`.replace(/^t/, 'T'), {
    retryAfterMs,
    retryAfterSeconds: seconds,
    scope,
    kind,
    perMinute,
  })
}

/** Token buckets that all processes share. Each draws what it is likely to use within a second and pours back what it did not. */
export class Rates {
  private readonly db: Knex
  private readonly log: Logger
  private readonly drawn = new Map<string, Drawn>()

  constructor(db: Knex, log: Logger) {
    this.db = db
    this.log = log
  }

  private of({ orgId, name }: BucketRef, now: number): Drawn {
    const key = `${orgId}/${name}`
    const known = this.drawn.get(key)
    if (known !== undefined) return known
    const made: Drawn = { orgId, level: 0, usedAt: now, last: 0, lastAt: 0, drawing: null }
    this.drawn.set(key, made)
    return made
  }

  /** From memory: all that the call needs, or nothing. */
  take(buckets: readonly BucketRef[], worst: Amount, now: number): boolean {
    for (const bucket of buckets) if (this.of(bucket, now).level < needOf(bucket, worst)) return false
    for (const bucket of buckets) {
      const drawn = this.of(bucket, now)
      drawn.level -= needOf(bucket, worst)
      drawn.usedAt = now
    }
    return true
  }

  /** As `take`, from the shared buckets too. Throws `rate_limited` where they have not enough. */
  async draw(buckets: readonly BucketRef[], worst: Amount): Promise<void> {
    while (!this.take(buckets, worst, performance.now()))
      for (const bucket of buckets) {
        const drawn = this.of(bucket, performance.now())
        if (drawn.level >= needOf(bucket, worst)) continue
        if (drawn.drawing !== null) await drawn.drawing
        else await this.drawMore(bucket, drawn, needOf(bucket, worst))
      }
  }

  private async drawMore(bucket: BucketRef, drawn: Drawn, need: number): Promise<void> {
    const now = performance.now()
    const least = need - drawn.level
    // Twice as much as last time when that lasted for less than a second, at most what flows in within one.
    const more = now - drawn.lastAt < 1000 ? Math.min(drawn.last * 2, bucket.perMinute / 60) : 0
    const answer = Promise.withResolvers<void>()
    drawn.drawing = answer.promise
    try {
      const { taken, waitMs } = await this.fromShared(bucket, least, Math.ceil(Math.max(least, more)))
      if (taken === 0) throw limited(bucket, waitMs)
      Object.assign(drawn, { level: drawn.level + taken, last: taken, lastAt: now, usedAt: now })
    } finally {
      drawn.drawing = null
      answer.resolve()
    }
  }

  /** Without the database limits of rate do not hold; leases of budgets do. */
  private async fromShared({ orgId, name, perMinute }: BucketRef, least: number, wanted: number): Promise<Draw> {
    try {
      return await draw(this.db, orgId, name, { perMinute, least, wanted })
    } catch (error) {
      this.log.warn({ err: error, bucket: name }, 'a limit of rate does not hold')
      return { taken: least, waitMs: 0 }
    }
  }

  /** The call used less than it could have; a call that was not made used nothing. */
  settle(buckets: readonly BucketRef[], worst: Amount, actual: Amount | null): void {
    for (const bucket of buckets) {
      const drawn = this.drawn.get(`${bucket.orgId}/${bucket.name}`)
      if (drawn === undefined) continue
      const used = actual === null ? 0 : bucket.kind === 'requests' ? 1 : Math.min(actual.tokens, needOf(bucket, worst))
      drawn.level += needOf(bucket, worst) - used
    }
  }

  /** Pours back what was not asked for lately; `all`: the process ends. */
  async sync(all = false): Promise<void> {
    const now = performance.now()
    for (const [key, drawn] of this.drawn) {
      if (drawn.drawing !== null || (!all && now - drawn.usedAt < idleMs)) continue
      const amount = Math.floor(drawn.level)
      this.drawn.delete(key)
      if (amount > 0) await pourBack(this.db, drawn.orgId, key.slice(drawn.orgId.length + 1), amount)
    }
  }
}
