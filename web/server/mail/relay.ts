import type { Knex } from 'knex'
import nodemailer, { type Transporter } from 'nodemailer'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { Sweeper } from '../outbox/sweeper.ts'
import { htmlOf, isPlainAddress, oneLine, senderOf } from './message.ts'
import { claimMail, type MailRow, postponeMail, pruneLog, pruneSent, writeMailState } from './store.ts'

/** Units: milliseconds. */
const sweepMs = 2000
const leaseMs = 120_000
const firstDelayMs = 5000
const longestDelayMs = 15 * 60_000
const keptInLog = 200
const batch = 10

/** The server said no to this very mail: sending it again is pointless. Everything else passes. */
const isRefusal = (error: { responseCode?: number; command?: string }): boolean =>
  error.responseCode !== undefined &&
  error.responseCode >= 550 &&
  error.responseCode < 560 &&
  error.command !== 'CONN' &&
  error.command !== 'AUTH'

/** Asked of the server as a whole, not about one mail. */
const isAway = (error: { responseCode?: number; code?: string; command?: string }): boolean =>
  error.responseCode === undefined ||
  error.responseCode === 421 ||
  error.code === 'EAUTH' ||
  error.command === 'CONN' ||
  error.command === 'AUTH'

export interface MailParts {
  db: Knex
  log: Logger
  config: Pick<Config, 'SMTP_URL' | 'MAIL_FROM' | 'frontendUrl'>
}

/**
 * Sends mail that was put in line, in its order, one after another. Without SMTP_URL mail goes to the log. A mail is claimed before the server
 * is asked and keeps its Message-ID: only a crash between the server's yes and our note of it can repeat one.
 */
export class MailRelay implements AsyncDisposable {
  private readonly parts: MailParts
  private readonly transport: Transporter | null
  private readonly sweeper: Sweeper
  private prunedAt = 0

  constructor(parts: MailParts) {
    this.parts = parts
    const limits = {
      connectionTimeout: 10_000,
      greetingTimeout: 10_000,
      socketTimeout: 30_000,
      disableFileAccess: true,
      disableUrlAccess: true,
    }
    const url = parts.config.SMTP_URL
    this.transport = url === undefined ? null : nodemailer.createTransport({ url, pool: true, maxConnections: 1, ...limits } as object)
    this.sweeper = new Sweeper('mail', sweepMs, parts.log, (stopped) => this.sweep(stopped))
  }

  get sends(): boolean {
    return this.transport !== null
  }

  start(): void {
    this.sweeper.start()
  }

  nudge(): void {
    this.sweeper.nudge()
  }

  /** Everything that is due now. */
  async sweep(stopped: () => boolean = () => false): Promise<void> {
    for (;;) {
      const rows = await claimMail(this.parts.db, batch, leaseMs)
      if (rows.length === 0 || stopped()) break
      if (this.transport === null) await this.keep(rows)
      else await this.sendInOrder(rows, this.transport)
    }
    if (Date.now() - this.prunedAt < 3_600_000) return
    this.prunedAt = Date.now()
    await pruneSent(this.parts.db)
  }

  private async keep(rows: MailRow[]): Promise<void> {
    for (const row of rows) await writeMailState(this.parts.db, row, 'logged', null)
    await pruneLog(this.parts.db, keptInLog)
  }

  private async sendInOrder(rows: MailRow[], transport: Transporter): Promise<void> {
    const { db, log } = this.parts
    for (const [index, row] of rows.entries()) {
      try {
        await this.send(row, transport)
        await writeMailState(db, row, 'sent', null)
      } catch (error) {
        const reason = oneLine(error instanceof Error ? error.message : String(error))
        log.warn({ mailId: row.id, attempts: row.attempts, reason }, 'mail not sent')
        if (isRefusal(error as object)) {
          await writeMailState(db, row, 'failed', reason)
          continue
        }
        const delay = Math.min(firstDelayMs * 2 ** Math.min(row.attempts - 1, 10), longestDelayMs)
        await postponeMail(db, row, delay, reason)
        if (!isAway(error as object)) continue
        // The rest would hear the same.
        for (const late of rows.slice(index + 1)) await postponeMail(db, late, delay, reason, false)
        return
      }
    }
  }

  private async send(row: MailRow, transport: Transporter): Promise<void> {
    const from = senderOf(this.parts.config.MAIL_FROM)
    if (!isPlainAddress(row.recipient)) throw Object.assign(new Error('The recipient is not one plain address.'), { responseCode: 553 })
    await transport.sendMail({
      from,
      to: { name: '', address: row.recipient },
      subject: oneLine(row.subject),
      text: row.body,
      html: htmlOf(row.body),
      messageId: `<${row.id}@${from.address.split('@')[1] ?? 'helix'}>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sweeper[Symbol.asyncDispose]()
    this.transport?.close()
  }
}
