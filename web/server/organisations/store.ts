import { HelixError } from '@helix/contract/errors'
import type { OrgId, TeamId, UserId } from '@helix/contract/ids'
import type { Organisation, Person, Team } from '@helix/contract/organisations'
import type { Role } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

const taken = (error: unknown): boolean => (error as { code?: string }).code === '23505'

/** A name as it may stand in a URL. */
const slugOf = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40) || 'organisation'

/** Organisations, who belongs to them with which role, and their teams. */
export class OrganisationStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** Of this person, by name. */
  async list(userId: UserId): Promise<Organisation[]> {
    const rows = await this.db('memberships as m')
      .join('organisations as o', 'o.id', 'm.org_id')
      .where({ 'm.user_id': userId })
      .whereNull('m.deactivated_at')
      .orderBy('o.name')
      .select('o.id', 'o.slug', 'o.name', 'm.role')
    return rows.map(({ id, slug, name, role }) => ({ id, slug, name, role }))
  }

  async find(userId: UserId, orgId: OrgId): Promise<Organisation | null> {
    return (await this.list(userId)).find(({ id }) => id === orgId) ?? null
  }

  async create(trx: Knex, userId: UserId, name: string): Promise<OrgId> {
    const id = newId('org')
    const slug = slugOf(name)
    const same = await trx('organisations').where({ slug }).first('id')
    await trx('organisations').insert({ id, name, slug: same === undefined ? slug : `${slug}-${id.slice(-6)}` })
    await trx('memberships').insert({ org_id: id, user_id: userId, role: 'owner' })
    return id
  }

  async rename(trx: Knex, orgId: OrgId, name: string): Promise<void> {
    await trx('organisations').where({ id: orgId }).update({ name })
  }

  async people(orgId: OrgId): Promise<Person[]> {
    const rows = await this.db('memberships as m')
      .join('users as u', 'u.id', 'm.user_id')
      .where({ 'm.org_id': orgId })
      .orderByRaw('lower(u.name), u.id')
      .select('u.*', 'm.role', 'm.deactivated_at', 'm.created_at as joined_at')
    const teams = await this.db('team_members as t')
      .join('teams', 'teams.id', 't.team_id')
      .where({ 't.org_id': orgId })
      .orderBy('teams.name')
      .select('t.user_id', 'teams.id', 'teams.name')
    const byPerson = Map.groupBy(teams, (row) => row.user_id as string)
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      email: row.email,
      role: row.role,
      teams: (byPerson.get(row.id) ?? []).map(({ id, name }) => ({ id, name })),
      joinedAt: row.joined_at.toISOString(),
      deactivatedAt: row.deactivated_at?.toISOString() ?? null,
      kind: row.kind ?? 'person',
    }))
  }

  async getPerson(orgId: OrgId, userId: UserId): Promise<Person> {
    const found = (await this.people(orgId)).find(({ id }) => id === userId)
    if (found === undefined) throw new HelixError('not_found')
    return found
  }

  /** Locks the owners, so that of two who leave at once one stays. Throws `conflict` when nobody would be left. */
  async keepAnOwner(trx: Knex, orgId: OrgId, userId: UserId): Promise<void> {
    const owners = await trx('memberships')
      .where({ org_id: orgId, role: 'owner' })
      .whereNull('deactivated_at')
      .orderBy('user_id')
      .forUpdate()
      .select('user_id')
    if (owners.length === 1 && owners[0].user_id === userId)
      throw new HelixError('conflict', 'This is the last owner: make somebody else an owner first.')
  }

  async roleOf(trx: Knex, orgId: OrgId, userId: UserId): Promise<Role | null> {
    return (await trx('memberships').where({ org_id: orgId, user_id: userId }).first('role'))?.role ?? null
  }

  async setRole(trx: Knex, orgId: OrgId, userId: UserId, role: Role): Promise<void> {
    if (role !== 'owner') await this.keepAnOwner(trx, orgId, userId)
    await trx('memberships').where({ org_id: orgId, user_id: userId }).update({ role })
  }

  /** Grants and teams go with the membership by foreign key; browser sessions of this organisation and keys end here. */
  async remove(trx: Knex, orgId: OrgId, userId: UserId): Promise<void> {
    await this.keepAnOwner(trx, orgId, userId)
    await trx('api_keys').where({ org_id: orgId, user_id: userId }).whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
    await trx('memberships').where({ org_id: orgId, user_id: userId }).delete()
    const other = await trx('memberships').where({ user_id: userId }).orderBy('created_at').first('org_id')
    const sessions = trx('browser_sessions').where({ org_id: orgId, user_id: userId })
    await (other === undefined ? sessions.delete() : sessions.update({ org_id: other.org_id }))
  }

  async join(trx: Knex, orgId: OrgId, userId: UserId, role: Role, teamIds: readonly TeamId[]): Promise<void> {
    await trx('memberships').insert({ org_id: orgId, user_id: userId, role }).onConflict(['org_id', 'user_id']).ignore()
    const teams = await trx('teams')
      .where({ org_id: orgId })
      .whereIn('id', [...teamIds])
      .select('id')
    for (const { id } of teams) await trx('team_members').insert({ team_id: id, org_id: orgId, user_id: userId }).onConflict().ignore()
  }

  async teams(orgId: OrgId): Promise<Team[]> {
    const rows = await this.db('teams').where({ org_id: orgId }).orderByRaw('lower(name)')
    const members = await this.db('team_members as t')
      .join('users as u', 'u.id', 't.user_id')
      .where({ 't.org_id': orgId })
      .orderByRaw('lower(u.name), u.id')
      .select('t.team_id', 'u.id', 'u.name')
    const byTeam = Map.groupBy(members, (row) => row.team_id as string)
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      members: (byTeam.get(row.id) ?? []).map(({ id, name }) => ({ id, name })),
      createdAt: row.created_at.toISOString(),
    }))
  }

  async getTeam(orgId: OrgId, id: TeamId): Promise<Team> {
    const found = (await this.teams(orgId)).find((team) => team.id === id)
    if (found === undefined) throw new HelixError('not_found')
    return found
  }

  /** Null makes a new one. */
  async saveTeam(
    trx: Knex,
    orgId: OrgId,
    id: TeamId | null,
    change: { name?: string | undefined; memberIds?: UserId[] | undefined },
  ): Promise<TeamId> {
    const teamId = id ?? newId('team')
    try {
      if (id === null) await trx('teams').insert({ id: teamId, org_id: orgId, name: change.name })
      else if (change.name !== undefined) await trx('teams').where({ id: teamId, org_id: orgId }).update({ name: change.name })
    } catch (error) {
      if (taken(error)) throw new HelixError('conflict', `name: there is a team "${change.name}" already`, { fields: { name: 'is taken' } })
      throw error
    }
    if (change.memberIds !== undefined) await this.setMembers(trx, orgId, teamId, change.memberIds)
    return teamId
  }

  private async setMembers(trx: Knex, orgId: OrgId, teamId: TeamId, memberIds: UserId[]): Promise<void> {
    const known = await trx('memberships').where({ org_id: orgId }).whereIn('user_id', memberIds).select('user_id')
    const missing = memberIds.find((id) => !known.some((row) => row.user_id === id))
    if (missing !== undefined)
      throw new HelixError('invalid_request', `memberIds: ${missing} is nobody of this organisation`, {
        fields: { memberIds: 'unknown person' },
      })
    await trx('team_members').where({ team_id: teamId }).whereNotIn('user_id', memberIds).delete()
    for (const user_id of memberIds) await trx('team_members').insert({ team_id: teamId, org_id: orgId, user_id }).onConflict().ignore()
  }

  async deleteTeam(trx: Knex, orgId: OrgId, id: TeamId): Promise<boolean> {
    return (await trx('teams').where({ org_id: orgId, id }).delete()) === 1
  }

  /** The organisation of a project, task, session or repository, if this person belongs to it. */
  async organisationOf(userId: UserId, id: string): Promise<Organisation | null> {
    const table = { prj: 'projects', tsk: 'spec_tasks', ses: 'agent_sessions', repo: 'repositories' }[id.split('_')[0] ?? '']
    if (table === undefined) return null
    const row = await this.db(table).where({ id }).first('org_id')
    return row === undefined ? null : this.find(userId, row.org_id)
  }
}
