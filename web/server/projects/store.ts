import type { AgentRuntime } from '@helix/contract/agents'
import { type DesktopRules, plainDesktop } from '@helix/contract/desktop'
import type { OrgId, ProjectId, RepositoryId, UserId } from '@helix/contract/ids'
import type { Project, ProjectSettings, ReviewRules, SandboxRules } from '@helix/contract/projects'
import { plainRecording, type RecordingRules } from '@helix/contract/recording-rules'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

interface ProjectRow {
  id: ProjectId
  org_id: OrgId
  name: string
  description: string
  agent_runtime: AgentRuntime
  model: string | null
  planning_limit: number
  implementing_limit: number
  permission_mode: Project['permissionMode']
  just_do_it: boolean
  auto_start: boolean
  base_branch: string | null
  protected_branches: string[]
  start_up_script: string
  start_up_seconds: number
  guidelines: string
  approvals_needed: number
  self_approval: boolean
  require_resolved: boolean
  review_reminder_hours: number
  public_links: boolean
  egress_mode: SandboxRules['egressMode']
  egress_domains: string[]
  minimum_rung: SandboxRules['minimumRung']
  host_labels: SandboxRules['hostLabels']
  size: SandboxRules['size']
  custom_size: SandboxRules['customSize']
  image: string | null
  image_login: SandboxRules['imageLogin']
  idle_minutes: number
  ttl_hours: number
  desktop: DesktopRules | null
  recording: RecordingRules | null
  default_reviewers: UserId[]
  version: number
  changed_by: UserId | null
  changed_at: Date | null
  archived_at: Date | null
  created_at: Date
}

export interface NewProject {
  name: string
  description: string
  agentRuntime: AgentRuntime
  repositoryIds: RepositoryId[]
}

export type ProjectChange = Partial<
  Pick<
    ProjectSettings,
    | 'name'
    | 'description'
    | 'agentRuntime'
    | 'model'
    | 'planningLimit'
    | 'implementingLimit'
    | 'justDoIt'
    | 'autoStart'
    | 'permissionMode'
    | 'baseBranch'
    | 'protectedBranches'
    | 'startUpScript'
    | 'startUpSeconds'
    | 'guidelines'
    | keyof ReviewRules
    | keyof SandboxRules
  > & { repositoryIds: RepositoryId[] }
>

export interface ListOptions {
  limit: number
  /** The id of the last one seen. */
  cursor: string | undefined
  /** Null: all of the organisation. */
  visible: ReadonlySet<ProjectId> | null
  archived: 'without' | 'with' | 'only'
}

const columnsOf = (change: ProjectChange): Record<string, unknown> => {
  const columns = {
    name: change.name,
    description: change.description,
    agent_runtime: change.agentRuntime,
    model: change.model,
    planning_limit: change.planningLimit,
    implementing_limit: change.implementingLimit,
    just_do_it: change.justDoIt,
    auto_start: change.autoStart,
    permission_mode: change.permissionMode,
    base_branch: change.baseBranch,
    protected_branches: change.protectedBranches && JSON.stringify(change.protectedBranches),
    start_up_script: change.startUpScript,
    start_up_seconds: change.startUpSeconds,
    guidelines: change.guidelines,
    approvals_needed: change.approvalsNeeded,
    self_approval: change.selfApproval,
    require_resolved: change.requireResolved,
    review_reminder_hours: change.reviewReminderHours,
    public_links: change.publicLinks,
    egress_mode: change.egressMode,
    egress_domains: change.egressDomains && JSON.stringify(change.egressDomains),
    minimum_rung: change.minimumRung,
    host_labels: change.hostLabels && JSON.stringify(change.hostLabels),
    size: change.size,
    custom_size: change.customSize && JSON.stringify(change.customSize),
    image: change.image,
    image_login: change.imageLogin && JSON.stringify(change.imageLogin),
    idle_minutes: change.idleMinutes,
    ttl_hours: change.ttlHours,
    desktop: change.desktop && JSON.stringify(change.desktop),
    recording: change.recording && JSON.stringify(change.recording),
    default_reviewers: change.defaultReviewerIds && JSON.stringify(change.defaultReviewerIds),
  }
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined))
}

/** Projects that are not deleted. */
export class ProjectStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** Newest first. */
  async list(orgId: OrgId, { limit, cursor, visible, archived }: ListOptions): Promise<Project[]> {
    const rows = await this.db('projects')
      .where({ org_id: orgId, deleted_at: null })
      .modify((query) => {
        if (cursor !== undefined) query.andWhere('id', '<', cursor)
        if (visible !== null) query.whereIn('id', [...visible])
        if (archived === 'without') query.whereNull('archived_at')
        if (archived === 'only') query.whereNotNull('archived_at')
      })
      .orderBy('id', 'desc')
      .limit(limit)
    return this.complete(orgId, rows)
  }

  async find(orgId: OrgId, id: ProjectId): Promise<Project | null> {
    const rows = await this.db('projects').where({ org_id: orgId, id, deleted_at: null })
    return (await this.complete(orgId, rows))[0] ?? null
  }

  async findSettings(orgId: OrgId, id: ProjectId): Promise<ProjectSettings | null> {
    const row = (await this.db('projects').where({ org_id: orgId, id, deleted_at: null }).first()) as ProjectRow | undefined
    const [project] = row === undefined ? [] : await this.complete(orgId, [row])
    if (row === undefined || project === undefined) return null
    const person = row.changed_by === null ? undefined : await this.db('users').where({ id: row.changed_by }).first('name')
    return {
      ...project,
      protectedBranches: row.protected_branches,
      startUpScript: row.start_up_script,
      startUpSeconds: row.start_up_seconds,
      guidelines: row.guidelines,
      approvalsNeeded: row.approvals_needed,
      selfApproval: row.self_approval,
      requireResolved: row.require_resolved,
      reviewReminderHours: row.review_reminder_hours,
      publicLinks: row.public_links,
      egressMode: row.egress_mode,
      egressDomains: row.egress_domains,
      minimumRung: row.minimum_rung,
      hostLabels: row.host_labels,
      size: row.size,
      customSize: row.custom_size,
      image: row.image,
      imageLogin: row.image_login,
      idleMinutes: row.idle_minutes,
      ttlHours: row.ttl_hours,
      desktop: row.desktop ?? plainDesktop,
      recording: row.recording ?? plainRecording,
      defaultReviewerIds: row.default_reviewers,
      changed: row.changed_at === null ? null : { by: person?.name ?? null, at: row.changed_at.toISOString() },
    }
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
      justDoIt: row.just_do_it,
      autoStart: row.auto_start,
      baseBranch: row.base_branch,
      repositories: repositories
        .filter((r) => r.project_id === row.id)
        .map((r) => ({ id: r.id, name: r.name, defaultBranch: r.default_branch })),
      openTasks: Number(counts.find((count) => count.project_id === row.id)?.open ?? 0),
      version: row.version,
      archivedAt: row.archived_at?.toISOString() ?? null,
      createdAt: row.created_at.toISOString(),
    }))
  }

  /** Those of `ids` that are the organisation's and ready. */
  async knownRepositories(orgId: OrgId, ids: RepositoryId[]): Promise<Set<RepositoryId>> {
    const rows = await this.db('repositories').where({ org_id: orgId, state: 'ready' }).whereIn('id', ids).select('id')
    return new Set(rows.map((row) => row.id))
  }

  /** In the order of `ids`; unknown ones are left out. */
  async repositoriesByIds(orgId: OrgId, ids: RepositoryId[]): Promise<Project['repositories']> {
    const rows = await this.db('repositories')
      .where({ org_id: orgId, state: 'ready' })
      .whereIn('id', ids)
      .select('id', 'name', 'default_branch')
    const found = rows.map((row) => ({ id: row.id, name: row.name, defaultBranch: row.default_branch }))
    return ids.flatMap((id) => found.find((repository) => repository.id === id) ?? [])
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
    await this.setRepositories(trx, id, project.repositoryIds)
    return id
  }

  private async setRepositories(trx: Knex, id: ProjectId, repositoryIds: RepositoryId[]): Promise<void> {
    await trx('project_repositories').where({ project_id: id }).delete()
    await trx('project_repositories').insert(
      [...new Set(repositoryIds)].map((repositoryId, position) => ({ project_id: id, repository_id: repositoryId, position })),
    )
  }

  /** The version as it stands until the transaction ends: no other change is written meanwhile. Null: there is no such project. */
  async lockVersion(trx: Knex, orgId: OrgId, id: ProjectId): Promise<number | null> {
    const row = await trx('projects').where({ org_id: orgId, id, deleted_at: null }).forUpdate().first('version')
    return row?.version ?? null
  }

  /** Under `lockVersion`. */
  async update(trx: Knex, orgId: OrgId, id: ProjectId, change: ProjectChange, actorId: UserId): Promise<void> {
    await trx('projects')
      .where({ org_id: orgId, id })
      .update({ ...columnsOf(change), version: trx.raw('version + 1'), changed_by: actorId, changed_at: trx.fn.now() })
    if (change.repositoryIds !== undefined) await this.setRepositories(trx, id, change.repositoryIds)
  }

  /** Numbers of the tasks whose agents or merges use the repositories now. */
  async workingTasks(trx: Knex, orgId: OrgId, id: ProjectId): Promise<number[]> {
    const rows = await trx('spec_tasks')
      .where({ org_id: orgId, project_id: id })
      .whereNotIn('status', ['backlog', 'merged', 'archived'])
      .orderBy('number')
      .select('number')
    return rows.map((row) => row.number)
  }

  /** False: it is so already. */
  async setArchived(trx: Knex, orgId: OrgId, id: ProjectId, archived: boolean): Promise<boolean> {
    const changed = await trx('projects')
      .where({ org_id: orgId, id, deleted_at: null })
      .modify((query) => (archived ? query.whereNull('archived_at') : query.whereNotNull('archived_at')))
      .update({ archived_at: archived ? trx.fn.now() : null })
    return changed === 1
  }

  /** Patterns of branches that tasks and agents of the project keep away from. */
  async protectedBranches(orgId: OrgId, id: ProjectId): Promise<string[]> {
    return (await this.db('projects').where({ org_id: orgId, id }).first('protected_branches'))?.protected_branches ?? []
  }
}
