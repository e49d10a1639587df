import type { OrgId, ProjectId, UserId } from '@helix/contract/ids'
import { type InboxKind, inboxKinds } from '@helix/contract/inbox'
import { type OrgPermission, roleGrants } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { type Grantee, peopleOf, peopleOnProject, rolesOnProjects } from '../access/store.ts'

/** Who may handle an item of each kind, by permission on its project. A mention is one person's, who may only need to read. */
export const handledWith: Record<InboxKind, OrgPermission> = {
  spec_review: 'task:review',
  implementation_review: 'task:review',
  permission: 'task:write',
  question: 'task:write',
  failed: 'task:write',
  mention: 'task:read',
  budget: 'task:write',
  spending: 'task:write',
}

/** Of these each item says what it needs: a budget of a project is raised by other people than one of a task. */
const eachSays: ReadonlySet<InboxKind> = new Set(['budget', 'spending'])
const said: readonly OrgPermission[] = ['task:write', 'project:write', 'organisation:write']

export const permissionOf = (item: { kind: InboxKind; permission?: OrgPermission | null }): OrgPermission =>
  item.permission ?? handledWith[item.kind]

/** Which items a person sees: `ids` null for every project of the organisation. */
export interface Reach {
  userId: UserId
  kinds: { kind: InboxKind; permission: OrgPermission | null; projectIds: ProjectId[] | null }[]
}

export async function reachOf(db: Knex, who: Grantee): Promise<Reach> {
  const roles = await rolesOnProjects(db, who)
  const where = (permission: OrgPermission) =>
    roles === null ? null : [...roles].filter(([, role]) => roleGrants(role, permission)).map(([id]) => id)
  const kinds = inboxKinds.flatMap((kind): Reach['kinds'] =>
    eachSays.has(kind)
      ? said.map((permission) => ({ kind, permission, projectIds: where(permission) }))
      : [{ kind, permission: null, projectIds: where(handledWith[kind]) }],
  )
  return { userId: who.userId, kinds }
}

/** Limits a query over `inbox_items as i` to what this person may see. */
export function withinReach(query: Knex.QueryBuilder, { userId, kinds }: Reach): Knex.QueryBuilder {
  return query
    .andWhere((own) => own.whereNull('i.user_id').orWhere('i.user_id', userId))
    .andWhere((any) => {
      for (const { kind, permission, projectIds } of kinds)
        any.orWhere((one) => {
          one.where('i.kind', kind)
          if (permission !== null) one.where('i.permission', permission)
          if (projectIds !== null) one.whereIn('i.project_id', projectIds)
        })
    })
}

/** The people who may handle an item. A program's account reads neither an inbox nor mail. */
export async function audienceOf(
  db: Knex,
  item: { orgId: OrgId; projectId: ProjectId | null; kind: InboxKind; permission?: OrgPermission | null; userId: UserId | null },
): Promise<UserId[]> {
  const { orgId, projectId } = item
  const people = projectId === null ? await peopleOf(db, orgId) : await peopleOnProject(db, orgId, projectId)
  const able = [...people]
    .filter(([id, role]) => (item.userId === null || id === item.userId) && roleGrants(role, permissionOf(item)))
    .map(([id]) => id)
  return db('users').whereIn('id', able).andWhere({ kind: 'person' }).orderBy('id').pluck('id')
}
