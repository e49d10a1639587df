import type { AgentRuntime } from '@helix/contract/agents'
import type { OrgId, ProjectId, RepositoryId } from '@helix/contract/ids'
import type { Project } from '@helix/contract/projects'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

interface ProjectRow {
  id: ProjectId
  name: string
  description: string
  agent_runtime: AgentRuntime
  model: string | null
  planning_limit: number
  implementing_limit: number
  permission_mode: Project['permissionMode']
  created_at: Date
}

export interface NewProject {
  name: string
  description: string
  agentRuntime: AgentRuntime
  repositoryIds: RepositoryId[]
}

export type ProjectChange = Partial<
  Pick<Project, 'name' | 'description' | 'agentRuntime' | 'model' | 'planningLimit' | 'implementingLimit' | 'permissionMode'>
>

export class ProjectStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** Newest first, of those that may be seen (null: all); `cursor` is the id of the last one seen. */
  async list(orgId: OrgId, visible: ReadonlySet<ProjectId> | null, limit: number, cursor: string | undefined): Promise<Project[]> {
    const rows = await this.db('projects')
      .where({ org_id: orgId })
      .modify((query) => {
        if (visible !== null) query.whereIn('id', [...visible])
        if (cursor !== undefined) query.andWhere('id', '<', cursor)
      })
      .orderBy('id', 'desc')
      .limit(limit)
    return this.complete(orgId, rows)
  }

  async find(orgId: OrgId, id: ProjectId): Promise<Project | null> {
    const rows = await this.db('projects').where({ org_id: orgId, id })
    return (await this.complete(orgId, rows))[0] ?? null
  }

  private async complete(orgId: OrgId, rows: ProjectRow[]): Promise<Project[]> {
    const ids = rows.map((row) => row.id)
    const repositories = await this.db('project_repositories as p')
      .join('repositories as r', 'r.id', 'p.repository_id')
      .whereIn('p.project_id', ids)
      .andWhere({ 'r.org_id': orgId })
      .orderBy('p.position')
      .select('p.project_id', 'r.id', 'r.name', 'r.default_branch')
    const counts = await this.db('spec_tasks')
      .whereIn('project_id', ids)
      .whereNotIn('status', ['merged', 'archived'])
      .groupBy('project_id')
      .select('project_id')
      .count('* as open')
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      description: row.description,
      agentRuntime: row.agent_runtime,
      model: row.model,
      planningLimit: row.planning_limit,
      implementingLimit: row.implementing_limit,
      permissionMode: row.permission_mode,
      repositories: repositories
        .filter((r) => r.project_id === row.id)
        .map((r) => ({ id: r.id, name: r.name, defaultBranch: r.default_branch })),
      openTasks: Number(counts.find((count) => count.project_id === row.id)?.open ?? 0),
      createdAt: row.created_at.toISOString(),
    }))
  }

  /** Those of `ids` that are the organisation's and ready. */
  async knownRepositories(orgId: OrgId, ids: RepositoryId[]): Promise<Set<RepositoryId>> {
    const rows = await this.db('repositories').where({ org_id: orgId, state: 'ready' }).whereIn('id', ids).select('id')
    return new Set(rows.map((row) => row.id))
  }

  async insert(trx: Knex, orgId: OrgId, project: NewProject): Promise<ProjectId> {
    const id = newId('project')
    await trx('projects').insert({
      id,
      org_id: orgId,
      name: project.name,
      description: project.description,
      agent_runtime: project.agentRuntime,
      planning_limit: 3,
      implementing_limit: 3,
    })
    await trx('project_repositories').insert(
      project.repositoryIds.map((repositoryId, position) => ({ project_id: id, repository_id: repositoryId, position })),
    )
    return id
  }

  /** False: there is no such project of this organisation. */
  async update(trx: Knex, orgId: OrgId, id: ProjectId, change: ProjectChange): Promise<boolean> {
    const columns = {
      name: change.name,
      description: change.description,
      agent_runtime: change.agentRuntime,
      model: change.model,
      planning_limit: change.planningLimit,
      implementing_limit: change.implementingLimit,
      permission_mode: change.permissionMode,
    }
    const given = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined))
    const project = trx('projects').where({ org_id: orgId, id })
    if (Object.keys(given).length === 0) return (await project.first('id')) !== undefined
    return (await project.update(given)) === 1
  }
}
