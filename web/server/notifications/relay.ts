import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { DeliveryRelay } from '../deliveries/relay.ts'
import type { MailRelay } from '../mail/relay.ts'
import { Sweeper } from '../outbox/sweeper.ts'
import { announceNext } from './announce.ts'
import { dispatchNext } from './dispatch.ts'

/** Units: milliseconds. */
const sweepMs = 2000

interface Parts {
  db: Knex
  log: Logger
  base: string
  mail: MailRelay
  deliveries: DeliveryRelay
  now?: () => Date
}

/** From items to pings to what is sent. It touches no network: each step is one transaction, so that nothing is told twice or lost. */
export class PingRelay implements AsyncDisposable {
  private readonly parts: Parts
  private readonly sweeper: Sweeper

  constructor(parts: Parts) {
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
    const { db, base, mail, deliveries } = this.parts
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
