import type { Knex } from 'knex'
import type { Logger } from 'pino'
import webPush from 'web-push'
import type { Config } from '../config.ts'
import { Sweeper } from '../outbox/sweeper.ts'
import { type SealingKeys, unseal } from '../secrets/seal.ts'
import { PostError, type Posted, type Posting, post } from './post.ts'
import { signatureOf } from './sign.ts'
import {
  claimDeliveries,
  type DeliveryRow,
  dropSubscription,
  type Outcome,
  pruneDeliveries,
  pushTarget,
  touchSubscription,
  webhookTarget,
  writeOutcome,
} from './store.ts'
import { vapidKeys } from './vapid.ts'

/** Units: milliseconds. */
const sweepMs = 2000
export const leaseMs = 60_000
const timeoutMs = 10_000
/** Units: seconds. With these a delivery is tried for a day. */
const delays = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800]
const dayMs = 86_400_000

interface Parts {
  db: Knex
  log: Logger
  config: Pick<Config, 'frontendUrl' | 'HELIX_ALLOW_PRIVATE_WEBHOOKS' | 'MAIL_FROM'>
  sealing: SealingKeys
  timeoutMs?: number
}

/** Sends what waits to webhooks and push services. Every row is claimed before the network is touched, and never inside a transaction. */
export class DeliveryRelay implements AsyncDisposable {
  private readonly parts: Parts
  private readonly sweeper: Sweeper
  private prunedAt = 0

  constructor(parts: Parts) {
    this.parts = parts
    this.sweeper = new Sweeper('deliveries', sweepMs, parts.log, (stopped) => this.sweep(stopped))
  }

  start(): void {
    this.sweeper.start()
  }

  nudge(): void {
    this.sweeper.nudge()
  }

  /** For tests and for sending at once: everything that is due now. */
  async sweep(stopped: () => boolean = () => false): Promise<void> {
    for (;;) {
      const rows = await claimDeliveries(this.parts.db, 20, leaseMs)
      if (rows.length === 0 || stopped()) break
      await Promise.all(rows.map((row) => this.deliver(row)))
    }
    if (Date.now() - this.prunedAt < 3_600_000) return
    this.prunedAt = Date.now()
    await pruneDeliveries(this.parts.db)
  }

  /** One try of a claimed row. `once`: a failure is final, as for a test. */
  async deliver(row: DeliveryRow, { once = false } = {}): Promise<void> {
    const outcome = await this.attempt(row)
    const { db, log } = this.parts
    const waiting = outcome.state === 'waiting'
    const delay = delays[row.attempts - 1]
    const givesUp = waiting && (once || delay === undefined)
    if (outcome.state !== 'sent') log.warn({ deliveryId: row.id, attempts: row.attempts, reason: outcome.error }, 'delivery failed')
    const delayMs = Math.min(Math.max(outcome.delayMs ?? 0, (delay ?? 0) * 1000), dayMs)
    await writeOutcome(db, row, givesUp ? { ...outcome, state: 'failed' } : { ...outcome, delayMs: waiting ? delayMs : 0 })
  }

  private async attempt(row: DeliveryRow): Promise<Outcome> {
    try {
      return await (row.webhook_id === null ? this.push(row) : this.webhook(row))
    } catch (error) {
      const reason = error instanceof PostError ? error.message : String(error instanceof Error ? error.message : error)
      return { state: 'waiting', status: null, error: reason }
    }
  }

  private send(posting: Posting): Promise<Posted> {
    const allowPrivate = this.parts.config.HELIX_ALLOW_PRIVATE_WEBHOOKS === '1'
    return post(posting, { allowPrivate, timeoutMs: this.parts.timeoutMs ?? timeoutMs })
  }

  private async webhook(row: DeliveryRow): Promise<Outcome> {
    const target = await webhookTarget(this.parts.db, row)
    if (target === null) return { state: 'failed', status: null, error: 'The webhook is switched off.' }
    const place = { orgId: row.org_id, table: 'webhooks', column: 'secret', row: row.webhook_id ?? '' }
    const secret = unseal(this.parts.sealing, place, target.secret)
    const body = JSON.stringify(row.payload)
    const timestamp = Math.floor(Date.now() / 1000)
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Helix-Webhook/1',
      'x-helix-delivery': row.id,
      'x-helix-event': row.event,
      'x-helix-timestamp': String(timestamp),
      'x-helix-signature': signatureOf(secret, timestamp, body),
    }
    const { status, retryAfterMs } = await this.send({ url: target.url, headers, body })
    if (status >= 200 && status < 300) return { state: 'sent', status, error: null }
    const error = status >= 300 && status < 400 ? `HTTP ${status}: redirects are not followed.` : `HTTP ${status}`
    return { state: status === 410 ? 'failed' : 'waiting', status, error, delayMs: retryAfterMs ?? 0 }
  }

  private async push(row: DeliveryRow): Promise<Outcome> {
    const { db, sealing, config } = this.parts
    const target = await pushTarget(db, row)
    if (target === null) return { state: 'failed', status: null, error: 'The browser is subscribed no more.' }
    const keys = await vapidKeys(db, sealing)
    const from = /<([^>]+)>/.exec(config.MAIL_FROM)?.[1] ?? config.MAIL_FROM
    const subject = config.frontendUrl.startsWith('https:') ? config.frontendUrl : `mailto:${from}`
    const { endpoint, p256dh, auth } = target
    const details = webPush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, JSON.stringify(row.payload), {
      vapidDetails: { subject, ...keys },
      TTL: 86_400,
      urgency: 'normal',
      contentEncoding: 'aes128gcm',
    })
    const headers = Object.fromEntries(Object.entries(details.headers).map(([name, value]) => [name, String(value)]))
    const { status, retryAfterMs } = await this.send({ url: endpoint, headers, body: details.body ?? '' })
    if (status >= 200 && status < 300) {
      await touchSubscription(db, row)
      return { state: 'sent', status, error: null }
    }
    if (status === 404 || status === 410) await dropSubscription(db, row)
    const passing = status === 429 || status === 408 || status >= 500
    return { state: passing ? 'waiting' : 'failed', status, error: `HTTP ${status}`, delayMs: retryAfterMs ?? 0 }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sweeper[Symbol.asyncDispose]()
  }
}
