import type { OrgId, ProjectId, UserId, WebhookId } from '@helix/contract/ids'
import type { InboxKind } from '@helix/contract/inbox'
import type { Delivery, Webhook } from '@helix/contract/webhooks'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import { newWebhookSecret } from '../deliveries/sign.ts'
import { type DeliveryRow, deliveryOf } from '../deliveries/store.ts'
import { type SealingKeys, seal } from '../secrets/seal.ts'

export interface WebhookValues {
  name: string
  url: string
  kinds: readonly InboxKind[]
  projectIds: readonly ProjectId[] | null
}

const outcomeOf = (row: DeliveryRow | undefined): Webhook['lastDelivery'] => {
  if (row === undefined) return null
  const { state, attempts, status, error, at } = deliveryOf(row)
  return { state, attempts, status, error, at }
}

type WebhookChange = { [K in keyof WebhookValues]?: WebhookValues[K] | undefined } & { enabled?: boolean | undefined }

const columnsOf = (values: WebhookChange) => ({
  ...(values.name === undefined ? {} : { name: values.name }),
  ...(values.url === undefined ? {} : { url: values.url }),
  ...(values.kinds === undefined ? {} : { kinds: JSON.stringify(values.kinds) }),
  ...(values.projectIds === undefined ? {} : { project_ids: values.projectIds === null ? null : JSON.stringify(values.projectIds) }),
  ...(values.enabled === undefined ? {} : { enabled: values.enabled }),
})

/** Webhooks of an organisation, and one of each person. Secrets are sealed and leave once. */
export class WebhookStore {
  private readonly db: Knex
  private readonly sealing: SealingKeys

  constructor(db: Knex, sealing: SealingKeys) {
    this.db = db
    this.sealing = sealing
  }

  private async shown(rows: { id: WebhookId }[]): Promise<Webhook[]> {
    const ids = rows.map(({ id }) => id)
    const last: DeliveryRow[] = await this.db('deliveries')
      .distinctOn('webhook_id')
      .whereIn('webhook_id', ids)
      .orderBy('webhook_id')
      .orderBy('created_at', 'desc')
    // biome-ignore lint/suspicious/noExplicitAny: a row, shaped here
    return rows.map((row: any) => ({
      id: row.id,
      name: row.name,
      url: row.url,
      kinds: row.kinds,
      projectIds: row.project_ids,
      enabled: row.enabled,
      createdAt: row.created_at.toISOString(),
      lastDelivery: outcomeOf(last.find(({ webhook_id }) => webhook_id === row.id)),
    }))
  }

  async list(orgId: OrgId): Promise<Webhook[]> {
    return this.shown(await this.db('webhooks').where({ org_id: orgId }).whereNull('user_id').orderBy('id'))
  }

  async find(orgId: OrgId, id: WebhookId): Promise<Webhook | null> {
    const [webhook] = await this.shown(await this.db('webhooks').where({ org_id: orgId, id }).whereNull('user_id'))
    return webhook ?? null
  }

  async findOwn(orgId: OrgId, userId: UserId): Promise<Webhook | null> {
    const [webhook] = await this.shown(await this.db('webhooks').where({ org_id: orgId, user_id: userId }))
    return webhook ?? null
  }

  private sealed(orgId: OrgId, id: string): { secret: string; stored: string } {
    const secret = newWebhookSecret()
    return { secret, stored: seal(this.sealing, { orgId, table: 'webhooks', column: 'secret', row: id }, secret) }
  }

  async insert(orgId: OrgId, userId: UserId | null, values: WebhookValues): Promise<{ id: WebhookId; secret: string }> {
    const id = newId('webhook')
    const { secret, stored } = this.sealed(orgId, id)
    await this.db.transaction(async (trx) => {
      if (userId !== null) await trx('webhooks').where({ org_id: orgId, user_id: userId }).delete()
      await trx('webhooks').insert({ id, org_id: orgId, user_id: userId, secret: stored, ...columnsOf(values) })
    })
    return { id, secret }
  }

  async update(orgId: OrgId, id: WebhookId, values: WebhookChange): Promise<void> {
    const columns = columnsOf(values)
    if (Object.keys(columns).length > 0) await this.db('webhooks').where({ org_id: orgId, id }).whereNull('user_id').update(columns)
  }

  async rotate(orgId: OrgId, id: WebhookId): Promise<string | null> {
    const { secret, stored } = this.sealed(orgId, id)
    const changed = await this.db('webhooks').where({ org_id: orgId, id }).whereNull('user_id').update({ secret: stored })
    return changed > 0 ? secret : null
  }

  async remove(orgId: OrgId, id: WebhookId): Promise<boolean> {
    return (await this.db('webhooks').where({ org_id: orgId, id }).whereNull('user_id').delete()) > 0
  }

  async removeOwn(orgId: OrgId, userId: UserId): Promise<void> {
    await this.db('webhooks').where({ org_id: orgId, user_id: userId }).delete()
  }

  async unknownProjects(orgId: OrgId, ids: readonly ProjectId[]): Promise<ProjectId[]> {
    if (ids.length === 0) return []
    const known = await this.db('projects')
      .where({ org_id: orgId })
      .whereIn('id', [...ids])
      .select('id')
    return ids.filter((id) => !known.some((row) => row.id === id))
  }

  async deliveries(orgId: OrgId, id: WebhookId): Promise<Delivery[]> {
    const rows = await this.db('deliveries').where({ org_id: orgId, webhook_id: id }).orderBy('id', 'desc').limit(100)
    return rows.map(deliveryOf)
  }
}
