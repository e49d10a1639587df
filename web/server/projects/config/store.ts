import type { OrgId, ProjectId, RepositoryId, TeamId, UserId } from '@helix/contract/ids'
import type { ProjectConfig } from '@helix/contract/project-config'
import type { Knex } from 'knex'

export type ConfigMember = NonNullable<ProjectConfig['members']>[number]

/** What of a configuration is named by words in the file and by ids in the database. */
export const configStore = {
  async visibility(db: Knex, orgId: OrgId, id: ProjectId): Promise<'organisation' | 'private'> {
    return (await db('projects').where({ org_id: orgId, id }).first('visibility')).visibility
  },

  async members(db: Knex, orgId: OrgId, id: ProjectId): Promise<ConfigMember[]> {
    const rows = await db('project_access as a')
      .leftJoin('users as u', 'u.id', 'a.user_id')
      .leftJoin('teams as t', 't.id', 'a.team_id')
      .where({ 'a.org_id': orgId, 'a.project_id': id })
      .select('a.role', 'u.email', 't.name')
    return rows.map((row) => (row.name === null ? { person: row.email.toLowerCase(), role: row.role } : { team: row.name, role: row.role }))
  },

  /** Addresses of those of `ids` who belong to the organisation, in the order of `ids`. */
  async addresses(db: Knex, orgId: OrgId, ids: readonly UserId[]): Promise<string[]> {
    const rows = await db('memberships as m')
      .join('users as u', 'u.id', 'm.user_id')
      .where({ 'm.org_id': orgId })
      .whereIn('u.id', [...ids])
      .select('u.id', 'u.email')
    const byId = new Map(rows.map((row) => [row.id as UserId, row.email.toLowerCase() as string]))
    return ids.flatMap((id) => byId.get(id) ?? [])
  },

  async findPerson(db: Knex, orgId: OrgId, email: string): Promise<UserId | null> {
    const row = await db('memberships as m')
      .join('users as u', 'u.id', 'm.user_id')
      .whereRaw('m.org_id = ? and lower(u.email) = lower(?)', [orgId, email])
      .first('u.id')
    return row?.id ?? null
  },

  async findGrantee(db: Knex, orgId: OrgId, member: ConfigMember): Promise<UserId | TeamId | null> {
    if ('team' in member)
      return (await db('teams').whereRaw('org_id = ? and lower(name) = lower(?)', [orgId, member.team]).first('id'))?.id ?? null
    return configStore.findPerson(db, orgId, member.person)
  },

  async repositoryIds(db: Knex, orgId: OrgId, names: readonly string[]): Promise<Map<string, RepositoryId>> {
    const rows = await db('repositories').where({ org_id: orgId, state: 'ready' }).whereIn('name', names).select('id', 'name')
    return new Map(rows.map((row) => [row.name, row.id]))
  },
}
