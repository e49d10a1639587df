import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { timestamp } from './text.ts'

export const mailStates = ['waiting', 'sent', 'logged', 'failed', 'cancelled'] as const

export const mail = z.object({
  id: idSchema('mail'),
  to: z.string(),
  subject: z.string(),
  /** Only in local mode, where nothing is sent: the mail log is the way to read it. */
  text: z.string().nullable(),
  state: z.enum(mailStates),
  attempts: z.number().int(),
  lastError: z.string().nullable(),
  createdAt: timestamp,
  sentAt: timestamp.nullable(),
  /** The next try; null when there is none. */
  dueAt: timestamp.nullable(),
})
export type Mail = z.infer<typeof mail>

export const listMail = defineEndpoint({
  method: 'GET',
  path: '/api/v1/mail',
  permission: 'organisation:write',
  summary: 'Mail of this organisation, newest first, and whether it gets out',
  response: z.object({
    /** False: no SMTP_URL is set, and mail is kept here instead (the last 200). */
    sends: z.boolean(),
    /** `MAIL_FROM`. */
    from: z.string(),
    waiting: z.number().int(),
    /** Why mail does not get out now; null when it does. */
    problem: z.string().nullable(),
    items: z.array(mail),
  }),
})

export const retryMail = defineEndpoint({
  method: 'POST',
  path: '/api/v1/mail/:mailId/retry',
  permission: 'organisation:write',
  summary: 'Try a waiting or failed mail again now',
  params: z.object({ mailId: idSchema('mail') }),
  errors: ['conflict'],
})
