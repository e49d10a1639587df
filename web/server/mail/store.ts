import type { OrgId } from '@helix/contract/ids'
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
