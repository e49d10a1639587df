import type { Knex } from 'knex'

/** What waits and what failed, over all organisations: for who runs the installation, and without anybody's content. */
export interface Line {
  waiting: number
  /** Of these, what was tried and did not work. */
  retried: number
  oldest: Date | null
  error: string | null
  errorAt: Date | null
}

const newestError = (at: string): string => `(array_agg(last_error order by ${at} desc) filter (where last_error is not null))[1] as error`

export class HealthStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async databaseVersion(): Promise<string> {
    const { rows } = (await this.db.raw('show server_version')) as { rows: { server_version: string }[] }
    return rows[0]?.server_version ?? 'unknown'
  }

  /** What must reach Temporal. Its rows go when they are delivered. */
  async outbox(): Promise<Line> {
    return this.db('outbox').first(
      this.db.raw(
        `count(*)::int as waiting, count(last_error)::int as retried, min(created_at) as oldest, ${newestError('due_at')}, null as "errorAt"`,
      ),
    )
  }

  async mail(): Promise<Line> {
    return this.lineOf('mail_outbox', `max(coalesce(sent_at, created_at)) filter (where last_error is not null)`)
  }

  async deliveries(): Promise<Line & { failed: number }> {
    const line = await this.lineOf('deliveries', `max(coalesce(finished_at, created_at)) filter (where last_error is not null)`)
    const row = await this.db('deliveries')
      .where({ state: 'failed' })
      .andWhereRaw("finished_at > now() - interval '1 day'")
      .first(this.db.raw('count(*)::int as failed'))
    return { ...line, failed: row.failed }
  }

  private async lineOf(table: 'mail_outbox' | 'deliveries', errorAt: string): Promise<Line> {
    return this.db(table)
      .whereIn('state', ['waiting', 'failed'])
      .first(
        this.db.raw(
          `count(*) filter (where state = 'waiting')::int as waiting,
           count(*) filter (where state = 'waiting' and last_error is not null)::int as retried,
           min(created_at) filter (where state = 'waiting') as oldest, ${newestError('created_at')}, ${errorAt} as "errorAt"`,
        ),
      )
  }

  /** Calls of agents to providers within the last hour. */
  async inference(): Promise<{ calls: number; failed: number; status: number | null; provider: string | null; errorAt: Date | null }> {
    const recent = () => this.db('usage').whereRaw("created_at > now() - interval '1 hour'")
    const counts = await recent().first(
      this.db.raw('count(*)::int as calls, count(*) filter (where status >= 400 and status <> 499)::int as failed'),
    )
    const last = await recent().whereRaw('status >= 400 and status <> 499').orderBy('id', 'desc').first('status', 'provider', 'created_at')
    return { ...counts, status: last?.status ?? null, provider: last?.provider ?? null, errorAt: last?.created_at ?? null }
  }

  /** Tells every process that listens, this one too. */
  async notify(channel: string, topic: string): Promise<void> {
    await this.db.raw('select pg_notify(?, ?)', [channel, `${topic} 1`])
  }
}
