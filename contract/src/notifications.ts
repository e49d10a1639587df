import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { inboxKinds } from './inbox.ts'
import { line, text, timestamp } from './text.ts'
import { deliveryOutcome, webhookUrl } from './webhooks.ts'

export const channels = ['email', 'webhook', 'push'] as const
export type Channel = (typeof channels)[number]

const choice = z.object({ email: z.boolean(), webhook: z.boolean(), push: z.boolean() })
export const notificationChoices = z.object(
  Object.fromEntries(inboxKinds.map((kind) => [kind, choice])) as Record<(typeof inboxKinds)[number], typeof choice>,
)
export type NotificationChoices = z.infer<typeof notificationChoices>

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time like 22:00')
const timeZone = line(64).refine(knownTimeZone, 'not a time zone this server knows')

function knownTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

export const notificationSettings = z.object({
  choices: notificationChoices,
  /** `mine`: about own tasks, mentions and what one was chosen for; `all`: everything one may handle. */
  reach: z.enum(['mine', 'all']),
  timeZone,
  /** Nothing is sent between these; what came meanwhile arrives as one digest when they end. Null: never quiet. */
  quietHours: z
    .object({ from: clockTime, to: clockTime })
    .refine(({ from, to }) => from !== to, 'must not be empty')
    .nullable(),
  mutedProjects: z.array(idSchema('project')).max(500),
})
export type NotificationSettings = z.infer<typeof notificationSettings>

export const pushDevice = z.object({
  id: idSchema('pushSubscription'),
  device: z.string(),
  createdAt: timestamp,
  lastSentAt: timestamp.nullable(),
})
export type PushDevice = z.infer<typeof pushDevice>

export const ownWebhook = z.object({ url: z.string(), createdAt: timestamp, lastDelivery: deliveryOutcome.nullable() })

export const getNotifications = defineEndpoint({
  method: 'GET',
  path: '/api/v1/account/notifications',
  permission: 'account:self',
  summary: 'What the caller wants to be told of in this organisation, by which way and when',
  response: z.object({
    settings: notificationSettings,
    /** False: these are the defaults, and the page offers the browser's time zone. */
    chosen: z.boolean(),
    devices: z.array(pushDevice),
    webhook: ownWebhook.nullable(),
    /** `applicationServerKey` for the browser's `pushManager.subscribe`. */
    vapidPublicKey: z.string(),
    /** False in local mode: mail goes to the mail log only. */
    mailIsSent: z.boolean(),
  }),
})

export const updateNotifications = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/account/notifications',
  permission: 'account:self',
  summary: 'Replace the settings',
  body: notificationSettings,
  response: notificationSettings,
})

export const addPushDevice = defineEndpoint({
  method: 'POST',
  path: '/api/v1/account/push-devices',
  permission: 'account:self',
  summary: 'Send push messages of this organisation to this browser; the same browser again replaces itself',
  body: z.object({
    endpoint: webhookUrl,
    keys: z.object({
      p256dh: z.string().regex(/^[\w-]{80,100}=?$/, 'expected a P-256 key'),
      auth: z.string().regex(/^[\w-]{20,30}={0,2}$/, 'expected 16 bytes'),
    }),
    device: line(100),
  }),
  response: pushDevice,
})

export const removePushDevice = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/account/push-devices/:deviceId',
  permission: 'account:self',
  summary: 'Send no more push messages to this browser',
  params: z.object({ deviceId: idSchema('pushSubscription') }),
})

export const setOwnWebhook = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/account/webhook',
  permission: 'account:self',
  summary: 'The caller’s own webhook; a new secret each time, shown once',
  body: z.object({ url: webhookUrl }),
  response: z.object({ webhook: ownWebhook, secret: z.string() }),
})

export const removeOwnWebhook = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/account/webhook',
  permission: 'account:self',
  summary: 'Remove the caller’s own webhook',
})

export const testNotifications = defineEndpoint({
  method: 'POST',
  path: '/api/v1/account/notifications/test',
  permission: 'account:self',
  summary: 'Send the caller a test message by one way',
  body: z.object({ channel: z.enum(channels) }),
  errors: ['conflict'],
})

/** What a push message carries, end-to-end encrypted to the browser. */
export const pushMessage = z.object({ title: text(300), body: text(1000), url: z.string(), tag: z.string() })
export type PushMessage = z.infer<typeof pushMessage>
