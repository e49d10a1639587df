import type { InboxItemId, OrgId, UserId } from '@helix/contract/ids'
import type { Channel } from '@helix/contract/notifications'
import type { Knex } from 'knex'
import { insertDelivery } from '../deliveries/store.ts'
import { audienceOf } from '../inbox/reach.ts'
import { pingKey } from '../inbox/store.ts'
import { enqueueMail } from '../mail/store.ts'
import { readTold, type ToldRow } from './announce.ts'
import { quietUntil } from './quiet.ts'
import { listDevices, type Settings, settingsOfPerson, wants } from './store.ts'
import { mailOf, pushOf, webhookOf } from './words.ts'

interface PingRow {
  id: number
  org_id: OrgId
  item_id: InboxItemId
  user_id: UserId
  channel: Channel
  round: number
}

export interface Sending {
  db: Knex
  /** Public URL of the pages. */
  base: string
  now: () => Date
}

/** The due pings of one person by one channel; no other relay has or gets them. Empty: nothing is due, or another relay is at it. */
async function takeDue(trx: Knex, now: Date): Promise<PingRow[]> {
  const due = () => trx('pings').where({ state: 'waiting' }).andWhere('due_at', '<=', now)
  const first = (await due().orderBy('due_at').orderBy('id').first()) as PingRow | undefined
  if (first === undefined) return []
  const { org_id, user_id, channel } = first
  // Before any row is locked: two relays that each held some of a person's pings would send two digests.
  const { rows } = await trx.raw('select pg_try_advisory_xact_lock(hashtext(?)) as mine', [`pings ${org_id} ${user_id} ${channel}`])
  if (!rows[0].mine) return []
  return due().andWhere({ org_id, user_id, channel }).orderBy('id').forUpdate().skipLocked()
}

async function mayStillKnow(trx: Knex, item: ToldRow, { user_id, channel }: PingRow, settings: Settings, now: Date): Promise<boolean> {
  if (!wants(settings, item.kind, item.projectId).includes(channel)) return false
  const state = await trx('inbox_states').where({ item_id: item.id, user_id }).first('snoozed_until')
  if (state?.snoozed_until != null && state.snoozed_until > now) return false
  return (await audienceOf(trx, item)).includes(user_id)
}

/** Hands what is due to one person by one channel to what sends it, as one message. Nothing leaves but by the commit. False: nothing was due. */
export async function dispatchNext({ db, base, now }: Sending): Promise<boolean> {
  return db.transaction(async (trx) => {
    const pings = await takeDue(trx, now())
    const [ping] = pings
    if (ping === undefined) return false
    const settings = await settingsOfPerson(trx, ping.org_id, ping.user_id)
    const these = () =>
      trx('pings').whereIn(
        'id',
        pings.map(({ id }) => id),
      )
    const quiet = quietUntil(now(), settings.quiet, settings.timeZone)
    if (quiet !== null) {
      await these().update({ due_at: quiet })
      return true
    }
    const items: ToldRow[] = []
    for (const item of await readTold(trx, [...new Set(pings.map(({ item_id }) => item_id))]))
      if (await mayStillKnow(trx, item, ping, settings, now())) items.push(item)
    const told = items.length > 0 && (await hand(trx, base, pings, items)) ? items.map(({ id }) => id) : []
    await these().update({ state: 'cancelled' })
    await these().whereIn('item_id', told).update({ state: 'sent' })
    return true
  })
}

/** False when this person has nothing by which it could go out. */
async function hand(trx: Knex, base: string, pings: PingRow[], items: ToldRow[]): Promise<boolean> {
  const ping = pings.findLast(({ item_id }) => item_id === items[0]?.id)
  if (ping === undefined) return false
  const { org_id: orgId, user_id: userId } = ping
  const single = items.length === 1
  const key = single ? pingKey(ping.id) : `digest:${ping.id}`
  const itemId = single ? ping.item_id : null
  if (ping.channel === 'email') {
    const person = await trx('users').where({ id: userId }).first('email')
    await enqueueMail(trx, { orgId, to: person.email, ...mailOf(base, items), key })
    return true
  }
  if (ping.channel === 'webhook') {
    const own = await trx('webhooks').where({ org_id: orgId, user_id: userId, enabled: true }).first('id')
    if (own === undefined) return false
    const event = !single ? 'inbox.digest' : ping.round > 0 ? 'inbox.reminded' : 'inbox.raised'
    await insertDelivery(trx, { orgId, webhookId: own.id, itemId, key, event, payload: webhookOf(base, event, items) })
    return true
  }
  const devices = await listDevices(trx, orgId, userId)
  for (const { id } of devices)
    await insertDelivery(trx, { orgId, subscriptionId: id, itemId, key: `${key}:${id}`, event: 'push', payload: pushOf(base, items) })
  return devices.length > 0
}
