import type { InboxItemId, OrgId, UserId } from '@helix/contract/ids'
import type { OrgPermission } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { insertDelivery } from '../deliveries/store.ts'
import { concerns } from '../inbox/concern.ts'
import { audienceOf } from '../inbox/reach.ts'
import { settingsOfPeople, wants } from './store.ts'
import { type Told, webhookOf } from './words.ts'

export interface ToldRow extends Told {
  orgId: OrgId
  userId: UserId | null
  permission: OrgPermission | null
  /** Whose own it is. */
  own: UserId[]
}

/** Open items as they are told of. */
export async function readTold(trx: Knex, ids: InboxItemId[]): Promise<ToldRow[]> {
  const rows = await trx('inbox_items as i')
    .leftJoin('projects as p', 'p.id', 'i.project_id')
    .leftJoin('spec_tasks as t', 't.id', 'i.task_id')
    .leftJoin('agent_sessions as n', 'n.id', 'i.session_id')
    .whereIn('i.id', ids)
    .whereNull('i.done_at')
    .whereNull('p.deleted_at')
    .orderBy('i.id')
    .select('i.*', 'p.name as project_name', 't.number', 't.title as task_title', 'n.title as session_title')
    .select(trx.raw(`array(select m.user_id from memberships m where m.org_id = i.org_id and ${concerns('m.user_id')}) as own`))
  return rows.map((row) => ({
    id: row.id,
    orgId: row.org_id,
    userId: row.user_id,
    kind: row.kind,
    permission: row.permission,
    title: row.title,
    detail: row.detail,
    round: row.round,
    projectId: row.project_id,
    projectName: row.project_name,
    task: row.task_id === null ? null : { id: row.task_id, number: row.number, title: row.task_title },
    session: row.session_id === null ? null : { id: row.session_id, title: row.session_title },
    own: row.own,
    createdAt: row.created_at,
  }))
}

/** Those the item is about; everybody who may handle it where none of these may. */
function concerned(item: ToldRow, audience: UserId[]): Set<UserId> {
  const own = audience.filter((id) => item.own.includes(id))
  return new Set(own.length === 0 ? audience : own)
}

async function writePings(trx: Knex, item: ToldRow): Promise<void> {
  const audience = await audienceOf(trx, item)
  const own = concerned(item, audience)
  const settings = await settingsOfPeople(trx, item.orgId, audience)
  const rows = [...settings].flatMap(([userId, chosen]) => {
    if (chosen.reach === 'mine' && !own.has(userId)) return []
    const ping = { org_id: item.orgId, item_id: item.id, user_id: userId, round: item.round }
    return wants(chosen, item.kind, item.projectId).map((channel) => ({ ...ping, channel }))
  })
  if (rows.length > 0) await trx('pings').insert(rows).onConflict(['item_id', 'user_id', 'channel', 'round']).ignore()
}

/** What concerns one person alone is not told to the organisation's webhooks. */
async function writeDeliveries(trx: Knex, item: ToldRow, base: string): Promise<void> {
  if (item.userId !== null) return
  const webhooks = await trx('webhooks').where({ org_id: item.orgId, enabled: true }).whereNull('user_id')
  const event = item.round > 0 ? 'inbox.reminded' : 'inbox.raised'
  for (const { id, kinds, project_ids } of webhooks) {
    if (!kinds.includes(item.kind) || (project_ids !== null && (item.projectId === null || !project_ids.includes(item.projectId)))) continue
    const key = `item:${item.id}:${item.round}:${id}`
    await insertDelivery(trx, { orgId: item.orgId, webhookId: id, itemId: item.id, key, event, payload: webhookOf(base, event, [item]) })
  }
}

/** Writes the pings of one item that has none yet, for each person by their choice, and those of the organisation's webhooks. False: none left. */
export async function announceNext(db: Knex, base: string): Promise<boolean> {
  return db.transaction(async (trx) => {
    const waiting = trx('inbox_items').whereNull('announced_at').whereNull('done_at').orderBy('created_at')
    const row = await waiting.forUpdate().skipLocked().first('id')
    if (row === undefined) return false
    const [item] = await readTold(trx, [row.id])
    if (item !== undefined) {
      await writePings(trx, item)
      await writeDeliveries(trx, item, base)
    }
    await trx('inbox_items').where({ id: row.id }).update({ announced_at: trx.fn.now() })
    return true
  })
}
