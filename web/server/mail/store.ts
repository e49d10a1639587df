import type { MailId, OrgId } from '@helix/contract/ids'
import type { Mail as MailShown } from '@helix/contract/mail'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

export interface Mail {
  /** Null for mail of the installation, e.g. a password reset. */
  orgId: OrgId | null
  to: string
  subject: string
  /** Plain text; links stand on lines of their own. */
  text: string
  /** The same key is mailed once, whoever asks again. */
  key?: string
}

/** Puts a mail in line in the caller's transaction; what is rolled back is not sent. */
export async function enqueueMail(trx: Knex, { orgId, to, subject, text, key }: Mail): Promise<void> {
  const row = { id: newId('mail'), org_id: orgId, key: key ?? null, recipient: to, subject: subject.replace(/[\r\n]+/g, ' '), body: text }
  await trx('mail_outbox').insert(row).onConflict('key').ignore()
}

export interface MailRow {
  id: MailId
  org_id: OrgId | null
  recipient: string
  subject: string
  body: string
  state: MailShown['state']
  attempts: number
  last_error: string | null
  due_at: Date
  created_at: Date
  sent_at: Date | null
}

/** Takes due mail and moves its due time forward, so that a relay that dies gives it back by itself. */
export async function claimMail(db: Knex, limit: number, leaseMs: number): Promise<MailRow[]> {
  const { rows } = (await db.raw(
    `update mail_outbox set due_at = now() + make_interval(secs => ?), attempts = attempts + 1
     where id in (select id from mail_outbox where state = 'waiting' and due_at <= now() order by id limit ? for update skip locked)
     returning *`,
    [leaseMs / 1000, limit],
  )) as { rows: MailRow[] }
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1))
}

export async function writeMailState(
  db: Knex,
  { id, attempts }: MailRow,
  state: 'sent' | 'logged' | 'failed',
  error: string | null,
): Promise<void> {
  const sent_at = state === 'sent' ? db.fn.now() : null
  await db('mail_outbox')
    .where({ id, attempts, state: 'waiting' })
    .update({ state, last_error: error?.slice(0, 500) ?? null, sent_at })
}

/** `tried` false: the server was not asked about this one, and the claim does not count. */
export async function postponeMail(db: Knex, { id, attempts }: MailRow, delayMs: number, error: string, tried = true): Promise<void> {
  await db('mail_outbox')
    .where({ id, attempts, state: 'waiting' })
    .update({
      due_at: db.raw('now() + make_interval(secs => ?)', [delayMs / 1000]),
      last_error: error.slice(0, 500),
      attempts: tried ? attempts : attempts - 1,
    })
}

/** The mail log of local mode keeps the last ones. */
export async function pruneLog(db: Knex, kept: number): Promise<void> {
  const newest = db('mail_outbox').where({ state: 'logged' }).orderBy('id', 'desc').limit(kept).select('id')
  await db('mail_outbox').where({ state: 'logged' }).whereNotIn('id', newest).delete()
}

/** What was sent long ago is not kept: bodies hold links. */
export async function pruneSent(db: Knex): Promise<void> {
  await db('mail_outbox').whereIn('state', ['sent', 'cancelled', 'failed']).andWhereRaw("created_at < now() - interval '30 days'").delete()
}

/**
 * Mail of the organisation, and that of the installation to people who belong to this organisation alone: who belongs to two is neither's to
 * read about.
 */
function ofOrg(db: Knex, orgId: OrgId): Knex.QueryBuilder {
  const people = db('users as u')
    .join('memberships as m', 'm.user_id', 'u.id')
    .groupBy('u.email')
    .havingRaw('count(*) = 1 and min(m.org_id) = ?', [orgId])
    .select('u.email')
  return db('mail_outbox').where((either) =>
    either.where({ org_id: orgId }).orWhere((own) => own.whereNull('org_id').whereIn('recipient', people)),
  )
}

/** How much mail waits after a failed try, and why; of one organisation, or of all. An answer of the server may name the receiver. */
export async function mailTrouble(db: Knex, orgId: OrgId | null): Promise<{ waiting: number; error: string } | null> {
  const row = await (orgId === null ? db('mail_outbox') : ofOrg(db, orgId))
    .andWhere({ state: 'waiting' })
    .whereNotNull('last_error')
    .first(db.raw('count(*)::int as waiting, (array_agg(last_error order by due_at desc))[1] as error'))
  return row.waiting === 0 ? null : row
}

export async function listMailOf(db: Knex, orgId: OrgId, limit: number): Promise<MailRow[]> {
  return ofOrg(db, orgId).orderBy('id', 'desc').limit(limit)
}

export async function countWaiting(db: Knex, orgId: OrgId): Promise<number> {
  return (await ofOrg(db, orgId).andWhere({ state: 'waiting' }).first(db.raw('count(*)::int as count'))).count
}

/** Null: no such mail; false: it is neither waiting nor failed. */
export async function makeDue(db: Knex, orgId: OrgId, id: MailId): Promise<boolean | null> {
  const row = await ofOrg(db, orgId).andWhere({ id }).first('state')
  if (row === undefined) return null
  const changed = await db('mail_outbox')
    .where({ id })
    .whereIn('state', ['waiting', 'failed'])
    .update({ state: 'waiting', due_at: db.fn.now(), last_error: null })
  return changed > 0
}
