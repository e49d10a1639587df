import type { Grant, Visibility } from '@helix/contract/access'
import type { OrgId, ProjectId, TeamId, UserId } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { peopleOnProject } from '../store.ts'

interface Members {
  visibility: Visibility
  grants: Grant[]
  people: { id: UserId; name: string; email: string; role: Role }[]
}

const targetOf = (granteeId: UserId | TeamId) => (granteeId.startsWith('team_') ? { team_id: granteeId } : { user_id: granteeId })

/** Grants on projects, to people and to teams. */
export class GrantStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async membersOf(orgId: OrgId, projectId: ProjectId): Promise<Members> {
    const project = await this.db('projects').where({ org_id: orgId, id: projectId }).first('visibility')
    const rows = await this.db('project_access as a')
      .leftJoin('users as u', 'u.id', 'a.user_id')
      .leftJoin('teams as t', 't.id', 'a.team_id')
      .where({ 'a.org_id': orgId, 'a.project_id': projectId })
      .orderByRaw('lower(coalesce(t.name, u.name))')
      .select('a.user_id', 'a.team_id', 'a.role', 'u.name as person', 't.name as team')
    const grants = rows.map(
      (row): Grant => ({
        grantee:
          row.team_id === null ? { kind: 'person', id: row.user_id, name: row.person } : { kind: 'team', id: row.team_id, name: row.team },
        role: row.role,
      }),
    )
    return { visibility: project.visibility, grants, people: await this.peopleOf(orgId, projectId) }
  }

  private async peopleOf(orgId: OrgId, projectId: ProjectId): Promise<Members['people']> {
    const roles = await peopleOnProject(this.db, orgId, projectId)
    const rows = await this.db('users')
      .whereIn('id', [...roles.keys()])
      .orderByRaw('lower(name), id')
      .select('id', 'name', 'email')
    return rows.map(({ id, name, email }) => ({ id, name, email, role: roles.get(id) ?? 'viewer' }))
  }

  /** False when the organisation has no such person or team. */
  async put(trx: Knex, orgId: OrgId, projectId: ProjectId, granteeId: UserId | TeamId, role: Role): Promise<boolean> {
    const target = targetOf(granteeId)
    const known =
      'team_id' in target
        ? await trx('teams').where({ org_id: orgId, id: granteeId }).first('id')
        : await trx('memberships').where({ org_id: orgId, user_id: granteeId }).first('user_id')
    if (known === undefined) return false
    const changed = await trx('project_access')
      .where({ org_id: orgId, project_id: projectId, ...target })
      .update({ role })
    if (changed === 0)
      await trx('project_access')
        .insert({ org_id: orgId, project_id: projectId, role, ...target })
        .onConflict()
        .ignore()
    return true
  }

  async remove(trx: Knex, orgId: OrgId, projectId: ProjectId, granteeId: UserId | TeamId): Promise<boolean> {
    return (
      (await trx('project_access')
        .where({ org_id: orgId, project_id: projectId, ...targetOf(granteeId) })
        .delete()) === 1
    )
  }

  async setVisibility(trx: Knex, orgId: OrgId, projectId: ProjectId, visibility: Visibility): Promise<void> {
    await trx('projects').where({ org_id: orgId, id: projectId }).update({ visibility })
  }
}
