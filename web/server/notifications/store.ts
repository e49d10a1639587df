import type { OrgId, ProjectId, UserId } from '@helix/contract/ids'
import { type InboxKind, inboxKinds } from '@helix/contract/inbox'
import type { Channel, NotificationChoices, NotificationSettings, PushDevice } from '@helix/contract/notifications'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import type { QuietHours } from './quiet.ts'

export interface Settings {
  choices: NotificationChoices
  reach: 'mine' | 'all'
  timeZone: string
  quiet: QuietHours | null
  mutedProjects: ProjectId[]
}

const everything = Object.fromEntries(inboxKinds.map((kind) => [kind, { email: true, webhook: true, push: true }])) as NotificationChoices
/** Of who has chosen nothing: everything that is theirs, at any hour. */
export const defaults: Settings = { choices: everything, reach: 'mine', timeZone: 'UTC', quiet: null, mutedProjects: [] }

const clock = (minutes: number): string => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))

// biome-ignore lint/suspicious/noExplicitAny: a row, shaped here
const settingsOf = (row: any): Settings => ({
  choices: { ...everything, ...row.choices },
  reach: row.reach,
  timeZone: row.time_zone,
  quiet: row.quiet_from === null ? null : { from: row.quiet_from, to: row.quiet_to },
  mutedProjects: row.muted_projects,
})

export const shownSettings = ({ quiet, ...rest }: Settings): NotificationSettings => ({
  ...rest,
  quietHours: quiet === null ? null : { from: clock(quiet.from), to: clock(quiet.to) },
})

export async function settingsOfPeople(db: Knex, orgId: OrgId, userIds: UserId[]): Promise<Map<UserId, Settings>> {
  const rows = await db('notification_settings').where({ org_id: orgId }).whereIn('user_id', userIds)
  const found = new Map<UserId, Settings>(rows.map((row) => [row.user_id, settingsOf(row)]))
  return new Map(userIds.map((id) => [id, found.get(id) ?? defaults]))
}

export async function settingsOfPerson(db: Knex, orgId: OrgId, userId: UserId): Promise<Settings> {
  return (await settingsOfPeople(db, orgId, [userId])).get(userId) ?? defaults
}

/** False until the person has chosen: the page then offers the browser's time zone. */
export async function haveChosen(db: Knex, orgId: OrgId, userId: UserId): Promise<boolean> {
  return (await db('notification_settings').where({ org_id: orgId, user_id: userId }).first('user_id')) !== undefined
}

export async function writeSettings(db: Knex, orgId: OrgId, userId: UserId, settings: NotificationSettings): Promise<void> {
  const { quietHours } = settings
  const values = {
    choices: JSON.stringify(settings.choices),
    reach: settings.reach,
    time_zone: settings.timeZone,
    quiet_from: quietHours === null ? null : minutesOf(quietHours.from),
    quiet_to: quietHours === null ? null : minutesOf(quietHours.to),
    muted_projects: JSON.stringify(settings.mutedProjects),
    updated_at: db.fn.now(),
  }
  await db('notification_settings')
    .insert({ org_id: orgId, user_id: userId, ...values })
    .onConflict(['org_id', 'user_id'])
    .merge(values)
}

/** The ways by which a person wants to hear of this. */
export function wants(settings: Settings, kind: InboxKind, projectId: ProjectId | null): Channel[] {
  if (projectId !== null && settings.mutedProjects.includes(projectId)) return []
  const choice = settings.choices[kind]
  return (['email', 'webhook', 'push'] as const).filter((channel) => choice[channel])
}

export interface NewDevice {
  endpoint: string
  keys: { p256dh: string; auth: string }
  device: string
}

// biome-ignore lint/suspicious/noExplicitAny: a row, shaped here
const deviceOf = (row: any): PushDevice => ({
  id: row.id,
  device: row.device,
  createdAt: row.created_at.toISOString(),
  lastSentAt: row.last_sent_at?.toISOString() ?? null,
})

/** A browser has one subscription, for every organisation of its person: whoever subscribes there last gets its messages, nobody else. */
export async function addDevice(db: Knex, orgId: OrgId, userId: UserId, { endpoint, keys, device }: NewDevice): Promise<PushDevice> {
  const values = { user_id: userId, p256dh: keys.p256dh, auth: keys.auth, device }
  return db.transaction(async (trx) => {
    await trx('push_subscriptions').where({ endpoint }).whereNot({ user_id: userId }).delete()
    const [row] = await trx('push_subscriptions')
      .insert({ id: newId('pushSubscription'), org_id: orgId, endpoint, ...values })
      .onConflict(['endpoint', 'org_id'])
      .merge(values)
      .returning('*')
    return deviceOf(row)
  })
}

export async function listDevices(db: Knex, orgId: OrgId, userId: UserId): Promise<PushDevice[]> {
  return (await db('push_subscriptions').where({ org_id: orgId, user_id: userId }).orderBy('id')).map(deviceOf)
}

export async function removeDevice(db: Knex, orgId: OrgId, userId: UserId, id: string): Promise<boolean> {
  return (await db('push_subscriptions').where({ org_id: orgId, user_id: userId, id }).delete()) > 0
}
