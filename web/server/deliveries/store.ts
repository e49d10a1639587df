import type { DeliveryId, InboxItemId, OrgId, UserId, WebhookId } from '@helix/contract/ids'
import type { Delivery } from '@helix/contract/webhooks'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

export interface NewDelivery {
  orgId: OrgId
  /** One of the two. */
  webhookId?: WebhookId
  subscriptionId?: string
  /** It is cancelled when this item is done. */
  itemId: InboxItemId | null
  /** Written once, however often its cause is looked at. */
  key: string
  event: string
  payload: unknown
}

export interface DeliveryRow {
  id: DeliveryId
  org_id: OrgId
  webhook_id: WebhookId | null
  subscription_id: string | null
  event: string
  payload: unknown
  state: Delivery['state']
  attempts: number
  last_status: number | null
  last_error: string | null
  due_at: Date
  created_at: Date
  finished_at: Date | null
}

/** Null when it was written before. `leaseMs`: the caller delivers it, and relays leave it alone that long. */
export async function insertDelivery(trx: Knex, delivery: NewDelivery, leaseMs = 0): Promise<DeliveryId | null> {
  const row = {
    id: newId('delivery'),
    org_id: delivery.orgId,
    webhook_id: delivery.webhookId ?? null,
    subscription_id: delivery.subscriptionId ?? null,
    item_id: delivery.itemId,
    key: delivery.key,
    event: delivery.event,
    payload: JSON.stringify(delivery.payload),
    attempts: leaseMs > 0 ? 1 : 0,
    due_at: trx.raw('now() + make_interval(secs => ?)', [leaseMs / 1000]),
  }
  const made = await trx('deliveries').insert(row).onConflict('key').ignore().returning('id')
  return made[0]?.id ?? null
}

/** Takes due deliveries and moves their due time forward, so that a relay that dies gives them back by itself. */
export async function claimDeliveries(db: Knex, limit: number, leaseMs: number): Promise<DeliveryRow[]> {
  const { rows } = (await db.raw(
    `update deliveries set due_at = now() + make_interval(secs => ?), attempts = attempts + 1
     where id in (select id from deliveries where state = 'waiting' and due_at <= now() order by due_at, id limit ? for update skip locked)
     returning *`,
    [leaseMs / 1000, limit],
  )) as { rows: DeliveryRow[] }
  return rows
}

/** A failed or finished delivery becomes due for one more try by the caller. Null when there is none. */
export async function claimAgain(
  db: Knex,
  orgId: OrgId,
  webhookId: WebhookId,
  id: DeliveryId,
  leaseMs: number,
): Promise<DeliveryRow | null> {
  const [row] = await db('deliveries')
    .where({ org_id: orgId, webhook_id: webhookId, id })
    .update({
      state: 'waiting',
      attempts: db.raw('attempts + 1'),
      finished_at: null,
      due_at: db.raw('now() + make_interval(secs => ?)', [leaseMs / 1000]),
    })
    .returning('*')
  return row ?? null
}

export async function findDelivery(db: Knex, orgId: OrgId, id: DeliveryId): Promise<DeliveryRow | null> {
  return (await db('deliveries').where({ org_id: orgId, id }).first()) ?? null
}

export interface Outcome {
  state: 'sent' | 'failed' | 'waiting'
  status: number | null
  error: string | null
  /** Units: milliseconds, while waiting. */
  delayMs?: number
}

/** Only while it still waits: what was cancelled meanwhile stays so. */
export async function writeOutcome(db: Knex, row: DeliveryRow, { state, status, error, delayMs = 0 }: Outcome): Promise<void> {
  await db('deliveries')
    .where({ id: row.id, state: 'waiting', attempts: row.attempts })
    .update({
      state,
      last_status: status,
      last_error: error?.slice(0, 500) ?? null,
      finished_at: state === 'waiting' ? null : db.fn.now(),
      due_at: db.raw('now() + make_interval(secs => ?)', [delayMs / 1000]),
    })
}

export const deliveryOf = (row: DeliveryRow): Delivery => ({
  id: row.id,
  event: row.event,
  payload: row.payload,
  state: row.state,
  attempts: row.attempts,
  status: row.last_status,
  error: row.last_error,
  at: (row.finished_at ?? row.created_at).toISOString(),
  createdAt: row.created_at.toISOString(),
  dueAt: row.state === 'waiting' ? row.due_at.toISOString() : null,
})

export interface WebhookTarget {
  url: string
  /** Sealed. */
  secret: string
}

export async function webhookTarget(db: Knex, row: DeliveryRow): Promise<WebhookTarget | null> {
  return (await db('webhooks').where({ org_id: row.org_id, id: row.webhook_id, enabled: true }).first('url', 'secret')) ?? null
}

export interface PushTarget {
  endpoint: string
  p256dh: string
  auth: string
  user_id: UserId
}

export async function pushTarget(db: Knex, row: DeliveryRow): Promise<PushTarget | null> {
  const target = db('push_subscriptions').where({ org_id: row.org_id, id: row.subscription_id })
  return (await target.first('endpoint', 'p256dh', 'auth', 'user_id')) ?? null
}

/** The browser gave its subscription up; what waits for it goes with it. */
export async function dropSubscription(db: Knex, row: DeliveryRow): Promise<void> {
  await db('push_subscriptions').where({ org_id: row.org_id, id: row.subscription_id }).delete()
}

export async function touchSubscription(db: Knex, row: DeliveryRow): Promise<void> {
  await db('push_subscriptions').where({ org_id: row.org_id, id: row.subscription_id }).update({ last_sent_at: db.fn.now() })
}

/** What was handled long ago is not kept. */
export async function pruneDeliveries(db: Knex): Promise<void> {
  await db('deliveries').whereNot({ state: 'waiting' }).andWhereRaw("created_at < now() - interval '30 days'").delete()
}
