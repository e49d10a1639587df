import { HelixError } from '@helix/contract/errors'
import type { DeliveryId, OrgId, ProjectId, WebhookId } from '@helix/contract/ids'
import {
  createWebhook,
  type Delivery,
  deleteWebhook,
  listDeliveries,
  listWebhooks,
  redeliver,
  rotateWebhookSecret,
  testWebhook,
  updateWebhook,
  type Webhook,
} from '@helix/contract/webhooks'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { leaseMs } from '../deliveries/relay.ts'
import { claimAgain, type DeliveryRow, deliveryOf, findDelivery, insertDelivery } from '../deliveries/store.ts'
import { mount } from '../http/mount.ts'
import { testWebhookOf } from '../notifications/words.ts'
import { WebhookStore } from './store.ts'

const wrong = (field: string, message: string): HelixError =>
  new HelixError('invalid_request', `${field}: ${message}`, { fields: { [field]: message } })

/** Plain http only where the installation allows its own network. Where a name leads to is asked at each delivery. */
export function checkUrl(context: Pick<Context, 'config'>, url: string | undefined, field = 'url'): void {
  if (url === undefined || url.startsWith('https:') || context.config.HELIX_ALLOW_PRIVATE_WEBHOOKS === '1') return
  throw wrong(field, 'must be an https URL')
}

/** Sends a claimed row once, now, and answers with what came of it. */
export async function deliverNow(context: Context, row: DeliveryRow): Promise<Delivery> {
  await context.deliveries.deliver(row, { once: true })
  const after = await findDelivery(context.db, row.org_id, row.id)
  return deliveryOf(after ?? row)
}

/** A test message to a webhook, sent now. */
export async function sendTest(context: Context, orgId: OrgId, webhookId: WebhookId, by: string): Promise<Delivery> {
  const payload = testWebhookOf(context.config.frontendUrl, by)
  const key = `test:${context.newId('delivery')}`
  const id = await insertDelivery(context.db, { orgId, webhookId, itemId: null, key, event: 'test', payload }, leaseMs)
  const row = id === null ? null : await findDelivery(context.db, orgId, id)
  if (row === null) throw new HelixError('not_found')
  return deliverNow(context, row)
}

export function webhookRoutes(context: Context): Router {
  const router = Router()
  const store = new WebhookStore(context.db, context.sealing)

  const get = async (orgId: OrgId, id: WebhookId): Promise<Webhook> => {
    const webhook = await store.find(orgId, id)
    if (webhook === null) throw new HelixError('not_found')
    return webhook
  }
  const check = async (orgId: OrgId, values: { url?: string | undefined; projectIds?: readonly ProjectId[] | null | undefined }) => {
    checkUrl(context, values.url)
    const missing = await store.unknownProjects(orgId, values.projectIds ?? [])
    if (missing.length > 0) throw wrong('projectIds', `no such project: ${missing[0]}`)
  }

  mount(router, context, listWebhooks, async ({ actor }) => ({ items: await store.list(actor.orgId) }))
  mount(router, context, createWebhook, async ({ actor, body }) => {
    await check(actor.orgId, body)
    const { id, secret } = await store.insert(actor.orgId, null, body)
    return { webhook: await get(actor.orgId, id), secret }
  })
  mount(router, context, updateWebhook, async ({ actor, params, body }) => {
    await get(actor.orgId, params.webhookId)
    await check(actor.orgId, body)
    await store.update(actor.orgId, params.webhookId, body)
    return get(actor.orgId, params.webhookId)
  })
  mount(router, context, rotateWebhookSecret, async ({ actor, params }) => {
    const secret = await store.rotate(actor.orgId, params.webhookId)
    if (secret === null) throw new HelixError('not_found')
    return { secret }
  })
  mount(router, context, deleteWebhook, async ({ actor, params }) => {
    if (!(await store.remove(actor.orgId, params.webhookId))) throw new HelixError('not_found')
    return {}
  })
  mount(router, context, testWebhook, async ({ actor, params }) => {
    await get(actor.orgId, params.webhookId)
    return sendTest(context, actor.orgId, params.webhookId, actor.userName)
  })
  mount(router, context, listDeliveries, async ({ actor, params }) => {
    await get(actor.orgId, params.webhookId)
    return { items: await store.deliveries(actor.orgId, params.webhookId) }
  })
  mount(router, context, redeliver, async ({ actor, params }) => {
    await get(actor.orgId, params.webhookId)
    const row = await claimAgain(context.db, actor.orgId, params.webhookId, params.deliveryId as DeliveryId, leaseMs)
    if (row === null) throw new HelixError('not_found')
    return deliverNow(context, row)
  })
  return router
}
