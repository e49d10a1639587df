import type { OrgId, ProjectId, RepositoryId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import { type Role, roles, strongerRole } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import type { AccessRows } from './map.ts'

/** Whose access is asked for. `orgRole` is the role in the organisation, before any grant on a project. */
export interface Grantee {
  orgId: OrgId
  userId: UserId
  orgRole: Role
}

/** Owners and administrators of the organisation see and do everything in it. */
const seesAll = (role: Role): boolean => role === 'owner' || role === 'admin'

const rank = `case role ${roles.map((role, index) => `when '${role}' then ${index}`).join(' ')} end`

/** Grants to the person, and to the teams the person is in. */
function grants(db: Knex, { orgId, userId }: Grantee) {
  const teams = db('team_members').where({ org_id: orgId, user_id: userId }).select('team_id')
  return db('project_access')
    .where({ org_id: orgId })
    .andWhere((either) => either.where({ user_id: userId }).orWhereIn('team_id', teams))
}

/** The projects this person may see; null: all of the organisation. */
export async function visibleProjects(db: Knex, who: Grantee): Promise<Set<ProjectId> | null> {
  const all = seesAll(who.orgRole)
  const hidden = await db('projects')
    .where({ org_id: who.orgId })
    .andWhere((either) => (all ? either.whereNotNull('deleted_at') : either.whereNotNull('deleted_at').orWhere({ visibility: 'private' })))
    .first('id')
  if (hidden === undefined) return null
  const rows = await db('projects')
    .where({ org_id: who.orgId, deleted_at: null })
    .modify((query) => {
      if (!all)
        query.andWhere((either) => either.where({ visibility: 'organisation' }).orWhereIn('id', grants(db, who).select('project_id')))
    })
    .select('id')
  return new Set(rows.map((row: { id: ProjectId }) => row.id))
}

/** The role this person has on a project: that of the organisation where the project is open to it, raised by grants. Null: not to be seen. */
export async function roleOnProject(db: Knex, who: Grantee, projectId: ProjectId): Promise<Role | null> {
  const project = await db('projects').where({ org_id: who.orgId, id: projectId, deleted_at: null }).first('visibility')
  return project === undefined ? null : roleWhere(db, who, projectId, project.visibility)
}

/** Likewise on the project of a session; null: there is no such session, or it is not to be seen. */
export async function roleOnSession(db: Knex, who: Grantee, sessionId: SessionId): Promise<{ role: Role; projectId: ProjectId } | null> {
  const row = await db('agent_sessions as s')
    .join('projects as p', 'p.id', 's.project_id')
    .where({ 's.org_id': who.orgId, 's.id': sessionId, 'p.deleted_at': null })
    .first('p.id', 'p.visibility')
  const role = row === undefined ? null : await roleWhere(db, who, row.id, row.visibility)
  return role === null ? null : { role, projectId: row.id }
}

/** The role this person had on a project that is deleted, and has again once it is restored. */
export async function roleOnDeletedProject(db: Knex, who: Grantee, projectId: ProjectId): Promise<Role | null> {
  const project = await db('projects').where({ org_id: who.orgId, id: projectId }).whereNotNull('deleted_at').first('visibility')
  return project === undefined ? null : roleWhere(db, who, projectId, project.visibility)
}

async function roleWhere(db: Knex, who: Grantee, projectId: ProjectId, visibility: string): Promise<Role | null> {
  if (seesAll(who.orgRole)) return who.orgRole
  const grant = await grants(db, who).andWhere({ project_id: projectId }).orderByRaw(rank).first('role')
  return strongerRole(visibility === 'organisation' ? who.orgRole : null, (grant?.role as Role | undefined) ?? null)
}

/**
 * The role on a repository: the strongest of its projects, and the organisation's where no project has it. A repository that only private
 * projects have is hidden with them, also while they are deleted and can be restored.
 */
export async function roleOnRepository(db: Knex, who: Grantee, repositoryId: RepositoryId): Promise<Role | null> {
  const repository = await db('repositories').where({ org_id: who.orgId, id: repositoryId }).first('id')
  if (repository === undefined) return null
  if (seesAll(who.orgRole)) return who.orgRole
  const projects: RepositoryProject[] = await db('project_repositories as r')
    .join('projects as p', 'p.id', 'r.project_id')
    .where({ 'r.repository_id': repositoryId })
    .select('p.id', 'p.visibility', 'p.deleted_at')
  if (projects.length === 0) return who.orgRole
  let strongest: Role | null = null
  for (const { id, visibility } of countingFor(projects)) strongest = strongerRole(strongest, await roleWhere(db, who, id, visibility))
  return strongest
}

interface RepositoryProject {
  id: ProjectId
  visibility: string
  deleted_at: Date | null
}

/** A deleted project counts where there is no other: what a private one kept to itself is not given away by deleting it. */
function countingFor<P extends RepositoryProject>(projects: readonly P[]): readonly P[] {
  const alive = projects.filter(({ deleted_at }) => deleted_at === null)
  return alive.length > 0 ? alive : projects
}

/**
 * SQL: the person of the column `user` sees the project of the table `project`. The rules are those of `visibleProjects`; who is deactivated sees
 * nothing.
 */
export const seesProject = (user: string, project: string): string => `exists (
  select 1 from memberships m where m.org_id = ${project}.org_id and m.user_id = ${user} and m.deactivated_at is null and (
    ${project}.visibility = 'organisation' or m.role in ('owner', 'admin') or exists (
      select 1 from project_access g left join team_members t on t.org_id = g.org_id and t.team_id = g.team_id
      where g.project_id = ${project}.id and m.user_id in (g.user_id, t.user_id))))`

/** The repositories this person may see; null: all of the organisation. The rules are those of `roleOnRepository`. */
export async function visibleRepositories(db: Knex, who: Grantee): Promise<Set<RepositoryId> | null> {
  if (seesAll(who.orgRole) || (await visibleProjects(db, who)) === null) return null
  const granted = new Set((await grants(db, who).select('project_id')).map(({ project_id }) => project_id))
  const rows: (RepositoryProject & { repository: RepositoryId })[] = await db('repositories as r')
    .leftJoin('project_repositories as l', 'l.repository_id', 'r.id')
    .leftJoin('projects as p', 'p.id', 'l.project_id')
    .where({ 'r.org_id': who.orgId })
    .select('r.id as repository', 'p.id', 'p.visibility', 'p.deleted_at')
  const visible = [...Map.groupBy(rows, ({ repository }) => repository)].filter(([, projects]) =>
    // One row without a project: no project has it.
    countingFor(projects).some(({ id, visibility }) => id === null || visibility === 'organisation' || granted.has(id)),
  )
  return new Set(visible.map(([repository]) => repository))
}

export async function projectOfTask(db: Knex, orgId: OrgId, taskId: TaskId): Promise<ProjectId | null> {
  return (await db('spec_tasks').where({ org_id: orgId, id: taskId }).first('project_id'))?.project_id ?? null
}

/** The role on every project that this person sees; null: an owner's or administrator's, which holds on all. */
export async function rolesOnProjects(db: Knex, who: Grantee): Promise<Map<ProjectId, Role> | null> {
  if (seesAll(who.orgRole)) return null
  const given = await grants(db, who).select('project_id', 'role')
  const projects = await db('projects').where({ org_id: who.orgId, deleted_at: null }).select('id', 'visibility')
  const found = new Map<ProjectId, Role>()
  for (const { id, visibility } of projects) {
    const granted = given.filter(({ project_id }) => project_id === id).map(({ role }) => role as Role)
    const role = [visibility === 'organisation' ? who.orgRole : null, ...granted].reduce(strongerRole, null)
    if (role !== null) found.set(id, role)
  }
  return found
}

/** Everybody of an organisation, with the role there, but for who is deactivated. */
export async function peopleOf(db: Knex, orgId: OrgId): Promise<Map<UserId, Role>> {
  const rows = await db('memberships').where({ org_id: orgId, deactivated_at: null }).select('user_id', 'role')
  return new Map(rows.map(({ user_id, role }) => [user_id, role]))
}

/** Everybody who sees a project, with the role there: nobody a deleted one, and nothing who is deactivated. */
export async function peopleOnProject(db: Knex, orgId: OrgId, projectId: ProjectId): Promise<Map<UserId, Role>> {
  const project = await db('projects').where({ org_id: orgId, id: projectId, deleted_at: null }).first('visibility')
  if (project === undefined) return new Map()
  const rows = await db('memberships as m')
    .leftJoin('team_members as t', (join) => join.on('t.org_id', 'm.org_id').andOn('t.user_id', 'm.user_id'))
    .leftJoin('project_access as a', (join) =>
      join.onVal('a.project_id', '=', projectId).andOn((either) => either.on('a.user_id', 'm.user_id').orOn('a.team_id', 't.team_id')),
    )
    .where({ 'm.org_id': orgId, 'm.deactivated_at': null })
    .select('m.user_id', 'm.role as org_role', 'a.role as granted')
  const people = new Map<UserId, Role>()
  for (const { user_id, org_role, granted } of rows) {
    const own = project.visibility === 'organisation' || seesAll(org_role) ? org_role : null
    const role = [own, granted, people.get(user_id) ?? null].reduce(strongerRole, null)
    if (role !== null) people.set(user_id, role)
  }
  return people
}

/** Who may see what in an organisation, read at once for many people: see AccessMap. The rules are those of `visibleProjects`. */
export async function readAccess(db: Knex, orgId: OrgId): Promise<AccessRows> {
  const people = await db('memberships').where({ org_id: orgId }).select('user_id', 'role')
  const projects = await db('projects').where({ org_id: orgId }).select('id', 'visibility')
  const grantees = await db('project_access as a')
    .leftJoin('team_members as t', 't.team_id', 'a.team_id')
    .where({ 'a.org_id': orgId })
    .select('a.project_id', db.raw('coalesce(a.user_id, t.user_id) as user_id'))
  const repositories = await db('repositories as r')
    .leftJoin('project_repositories as p', 'p.repository_id', 'r.id')
    .where({ 'r.org_id': orgId })
    .select('r.id', 'p.project_id')
  return { people, projects, grantees, repositories }
}
