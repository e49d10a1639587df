import { HelixError } from '@helix/contract/errors'
import { listMail, type Mail, retryMail } from '@helix/contract/mail'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { mount } from '../http/mount.ts'
import { countWaiting, listMailOf, type MailRow, mailTrouble, makeDue } from './store.ts'

const mailOf = (row: MailRow, readable: boolean): Mail => ({
  id: row.id,
  to: row.recipient,
  subject: row.subject,
  text: readable ? row.body : null,
  state: row.state,
  attempts: row.attempts,
  lastError: row.last_error,
  createdAt: row.created_at.toISOString(),
  sentAt: row.sent_at?.toISOString() ?? null,
  dueAt: row.state === 'waiting' ? row.due_at.toISOString() : null,
})

export function mailRoutes(context: Context): Router {
  const router = Router()
  const { db, config } = context

  mount(router, context, listMail, async ({ actor }) => {
    const { sends } = context.mail
    // A mail may hold a link that signs its receiver in: only who may do everything here reads it, and only where it is sent to nobody.
    const readable = !sends && actor.orgRole === 'owner'
    const [rows, waiting, trouble] = await Promise.all([
      listMailOf(db, actor.orgId, 200),
      countWaiting(db, actor.orgId),
      mailTrouble(db, actor.orgId),
    ])
    return { sends, from: config.MAIL_FROM, waiting, problem: trouble?.error ?? null, items: rows.map((row) => mailOf(row, readable)) }
  })
  mount(router, context, retryMail, async ({ actor, params }) => {
    const due = await makeDue(db, actor.orgId, params.mailId)
    if (due === null) throw new HelixError('not_found')
    if (!due) throw new HelixError('conflict', 'This mail is neither waiting nor failed.')
    context.mail.nudge()
    return {}
  })
  return router
}
