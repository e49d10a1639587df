import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { DeliveryRelay } from '../deliveries/relay.ts'
import { MailRelay } from '../mail/relay.ts'
import { Sweeper } from '../outbox/sweeper.ts'
import type { SealingKeys } from '../secrets/seal.ts'
import { announceNext } from './announce.ts'
import { dispatchNext } from './dispatch.ts'

/** Units: milliseconds. */
const sweepMs = 2000

export interface PingParts {
  db: Knex
  log: Logger
  config: Pick<Config, 'frontendUrl'>
  mail: MailRelay
  deliveries: DeliveryRelay
  now?: () => Date
}

/** From items to pings to what is sent. It touches no network: each step is one transaction, so that nothing is told twice or lost. */
export class PingRelay implements AsyncDisposable {
  private readonly parts: PingParts
  private readonly sweeper: Sweeper

  constructor(parts: PingParts) {
    this.parts = parts
    this.sweeper = new Sweeper('pings', sweepMs, parts.log, (stopped) => this.sweep(stopped))
  }

  start(): void {
    this.sweeper.start()
  }

  nudge(): void {
    this.sweeper.nudge()
  }

  async sweep(stopped: () => boolean = () => false): Promise<void> {
    const { db, mail, deliveries } = this.parts
    const base = this.parts.config.frontendUrl
    const now = this.parts.now ?? (() => new Date())
    let changed = false
    while (!stopped() && (await announceNext(db, base))) changed = true
    while (!stopped() && (await dispatchNext({ db, base, now }))) changed = true
    if (!changed) return
    deliveries.nudge()
    mail.nudge()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sweeper[Symbol.asyncDispose]()
  }
}

/** The three that make a thing that needs a person known; disposed with the context that owns them. */
export function createRelays(parts: { db: Knex; log: Logger; config: Config; sealing: SealingKeys }): {
  mail: MailRelay
  deliveries: DeliveryRelay
  pings: PingRelay
} {
  const mail = new MailRelay(parts)
  const deliveries = new DeliveryRelay(parts)
  return { mail, deliveries, pings: new PingRelay({ ...parts, mail, deliveries }) }
}
