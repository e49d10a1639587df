import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { inboxKind } from './inbox.ts'
import { line, timestamp } from './text.ts'

/** Checked again at each delivery: names may lead elsewhere later. */
export const webhookUrl = line(2000).refine((value) => {
  const url = URL.parse(value)
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === ''
}, 'expected an http(s) URL without a user name or password')

export const deliveryStates = ['waiting', 'sent', 'failed', 'cancelled'] as const

export const deliveryOutcome = z.object({
  state: z.enum(deliveryStates),
  attempts: z.number().int(),
  /** The receiver's last HTTP status; null when none came. */
  status: z.number().int().nullable(),
  error: z.string().nullable(),
  at: timestamp,
})

export const webhook = z.object({
  id: idSchema('webhook'),
  name: z.string(),
  url: z.string(),
  kinds: z.array(inboxKind),
  /** Null: every project, those to come too. */
  projectIds: z.array(idSchema('project')).nullable(),
  enabled: z.boolean(),
  createdAt: timestamp,
  lastDelivery: deliveryOutcome.nullable(),
})
export type Webhook = z.infer<typeof webhook>

export const delivery = deliveryOutcome.extend({
  /** The same as header `x-helix-delivery`, also when it is delivered again. */
  id: idSchema('delivery'),
  event: z.string(),
  payload: z.unknown(),
  createdAt: timestamp,
  /** The next try; null when there is none. */
  dueAt: timestamp.nullable(),
})
export type Delivery = z.infer<typeof delivery>

const params = z.object({ webhookId: idSchema('webhook') })
const settings = z.object({
  name: line(80),
  url: webhookUrl,
  kinds: z.array(inboxKind).min(1, 'choose at least one'),
  projectIds: z.array(idSchema('project')).min(1).max(200).nullable(),
})

export const listWebhooks = defineEndpoint({
  method: 'GET',
  path: '/api/v1/webhooks',
  permission: 'organisation:write',
  summary: 'The organisation’s webhooks',
  response: z.object({ items: z.array(webhook) }),
})

export const createWebhook = defineEndpoint({
  method: 'POST',
  path: '/api/v1/webhooks',
  permission: 'organisation:write',
  summary: 'Add a webhook; its secret is shown once',
  body: settings,
  response: z.object({ webhook, secret: z.string() }),
  errors: ['idempotency_mismatch'],
})

export const updateWebhook = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/webhooks/:webhookId',
  permission: 'organisation:write',
  summary: 'Change a webhook, or switch it off and on',
  params,
  body: settings.partial().extend({ enabled: z.boolean().optional() }),
  response: webhook,
})

export const rotateWebhookSecret = defineEndpoint({
  method: 'POST',
  path: '/api/v1/webhooks/:webhookId/secret',
  permission: 'organisation:write',
  summary: 'A new secret, shown once; the old one signs nothing more',
  params,
  response: z.object({ secret: z.string() }),
})

export const deleteWebhook = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/webhooks/:webhookId',
  permission: 'organisation:write',
  summary: 'Remove a webhook and its log',
  params,
})

export const testWebhook = defineEndpoint({
  method: 'POST',
  path: '/api/v1/webhooks/:webhookId/test',
  permission: 'organisation:write',
  summary: 'Send a test now and answer with what came of it',
  params,
  response: delivery,
})

export const listDeliveries = defineEndpoint({
  method: 'GET',
  path: '/api/v1/webhooks/:webhookId/deliveries',
  permission: 'organisation:write',
  summary: 'The last 100 deliveries, newest first',
  params,
  response: z.object({ items: z.array(delivery) }),
})

export const redeliver = defineEndpoint({
  method: 'POST',
  path: '/api/v1/webhooks/:webhookId/deliveries/:deliveryId/redeliver',
  permission: 'organisation:write',
  summary: 'Send the same again now, under the same delivery id',
  params: params.extend({ deliveryId: idSchema('delivery') }),
  response: delivery,
})
