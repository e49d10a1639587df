import type { QueuedPrompt } from '@helix/contract/conversation'
import type { OrgId, PromptId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'

// biome-ignore lint/suspicious/noExplicitAny: a row of a join, shaped here
const promptOf = (row: any): QueuedPrompt => ({
  id: row.id,
  text: row.text,
  mode: row.mode,
  author: { id: row.author_id ?? '', name: row.author_name ?? '' },
  queuedAt: row.queued_at.toISOString(),
})

/** Whose agent messages are for. */
export type Talker = { task_id: TaskId } | { session_id: SessionId }

const columns = (whose: Talker): Record<string, string> =>
  Object.fromEntries(Object.entries(whose).map(([column, id]) => [`p.${column}`, id]))

/** Messages of people that wait to be sent. */
export class QueueStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  private queued(orgId: OrgId, whose: Talker) {
    return this.db('prompts as p')
      .leftJoin('users as u', 'u.id', 'p.author_id')
      .where({ ...columns(whose), 'p.org_id': orgId, 'p.kind': 'person', 'p.state': 'queued' })
      .select('p.*', 'u.name as author_name')
  }

  /** In the order they are sent: the newest of those that go first, then the others as they came. */
  async list(orgId: OrgId, whose: Talker): Promise<QueuedPrompt[]> {
    const prompts = (await this.queued(orgId, whose).orderBy(['p.queued_at', 'p.id']).limit(200)).map(promptOf)
    return [...prompts.filter(({ mode }) => mode !== 'queue').reverse(), ...prompts.filter(({ mode }) => mode === 'queue')]
  }

  async find(orgId: OrgId, whose: Talker, id: PromptId): Promise<QueuedPrompt | null> {
    const row = await this.queued(orgId, whose).andWhere({ 'p.id': id }).first()
    return row === undefined ? null : promptOf(row)
  }

  /** Somebody's message, whatever became of it. */
  async known(orgId: OrgId, whose: Talker, id: PromptId): Promise<boolean> {
    return (
      (await this.db('prompts')
        .where({ ...whose, org_id: orgId, id, kind: 'person' })
        .first('id')) !== undefined
    )
  }

  /** False when it is on its way already, or another person's. */
  async edit(trx: Knex, orgId: OrgId, id: PromptId, authorId: UserId, text: string): Promise<boolean> {
    return (await trx('prompts').where({ org_id: orgId, id, author_id: authorId, kind: 'person', state: 'queued' }).update({ text })) === 1
  }

  async withdraw(trx: Knex, orgId: OrgId, id: PromptId): Promise<boolean> {
    const gone = { state: 'withdrawn', ended_at: trx.fn.now() }
    return (await trx('prompts').where({ org_id: orgId, id, kind: 'person', state: 'queued' }).update(gone)) === 1
  }

  async running(orgId: OrgId, sessionId: SessionId): Promise<{ promptId: PromptId; since: string | null } | null> {
    const row = await this.db('prompts')
      .where({ org_id: orgId, session_id: sessionId, state: 'running' })
      .orderBy('started_at', 'desc')
      .first()
    return row === undefined ? null : { promptId: row.id, since: row.started_at?.toISOString() ?? null }
  }
}
