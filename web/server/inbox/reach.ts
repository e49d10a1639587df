import type { OrgId, ProjectId, UserId } from '@helix/contract/ids'
import { type InboxKind, inboxKinds } from '@helix/contract/inbox'
import { type OrgPermission, roleGrants } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { type Grantee, peopleOnProject, rolesOnProjects } from '../access/store.ts'

/** Who may handle an item of each kind, by permission on its project. A mention is one person's, who may only need to read. */
export const handledWith: Record<InboxKind, OrgPermission> = {
  spec_review: 'task:review',
  implementation_review: 'task:review',
  permission: 'task:write',
  question: 'task:write',
  failed: 'task:write',
  mention: 'task:read',
}

/** Which items a person sees: `ids` null for every project of the organisation. */
export interface Reach {
  userId: UserId
  kinds: { kind: InboxKind; projectIds: ProjectId[] | null }[]
}

export async function reachOf(db: Knex, who: Grantee): Promise<Reach> {
  const roles = await rolesOnProjects(db, who)
  const kinds = inboxKinds.map((kind) => {
    const granting = roles === null ? null : [...roles].filter(([, role]) => roleGrants(role, handledWith[kind])).map(([id]) => id)
    return { kind, projectIds: granting }
  })
  return { userId: who.userId, kinds }
}

/** Limits a query over `inbox_items as i` to what this person may see. */
export function withinReach(query: Knex.QueryBuilder, { userId, kinds }: Reach): Knex.QueryBuilder {
  return query
    .andWhere((own) => own.whereNull('i.user_id').orWhere('i.user_id', userId))
    .andWhere((any) => {
      for (const { kind, projectIds } of kinds)
        any.orWhere((one) => {
          one.where('i.kind', kind)
          if (projectIds !== null) one.whereIn('i.project_id', projectIds)
        })
    })
}

/** The people who may handle an item. A program's account reads neither an inbox nor mail. */
export async function audienceOf(
  db: Knex,
  item: { orgId: OrgId; projectId: ProjectId; kind: InboxKind; userId: UserId | null },
): Promise<UserId[]> {
  const people = await peopleOnProject(db, item.orgId, item.projectId)
  const able = [...people]
    .filter(([id, role]) => (item.userId === null || id === item.userId) && roleGrants(role, handledWith[item.kind]))
    .map(([id]) => id)
  return db('users').whereIn('id', able).andWhere({ kind: 'person' }).orderBy('id').pluck('id')
}
