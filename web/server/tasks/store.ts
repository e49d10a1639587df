import type { AgentRuntime } from '@helix/contract/agents'
import type { OrgId, ProjectId, PromptId, RepositoryId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import { type Priority, priorities } from '@helix/contract/priorities'
import type { SessionStart } from '@helix/contract/session-start'
import type { TaskStatus } from '@helix/contract/task-status'
import type { PromptMode, TimelineStep } from '@helix/contract/task-work'
import type { TaskCard } from '@helix/contract/tasks'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import type { ArchivedFrom } from '../internal/archive/store.ts'
import { type CardExtras, ExtrasStore } from './extras/store.ts'
import { findWords } from './find.ts'
import { branchOf, slugOf, specFolderOf } from './names.ts'

export interface TaskRow {
  id: TaskId
  org_id: OrgId
  project_id: ProjectId
  number: number
  slug: string
  title: string
  prompt: string
  status: TaskStatus
  failed_from: TaskStatus | null
  failure: { code: string; message: string } | null
  step: number
  step_key: string | null
  activity: string
  agent_runtime: AgentRuntime
  demo: boolean
  just_do_it: boolean
  base_branch: string
  branch: string
  session_id: SessionId | null
  slot_phase: 'planning' | 'implementing' | null
  queued_at: Date | null
  progress_done: number | null
  progress_total: number | null
  merged_commit: string | null
  archived_from: ArchivedFrom | null
  /** Index in `priorities`. */
  priority: number
  version: number
  edited_by: UserId | null
  edited_at: Date | null
  created_by: UserId
  created_by_name: string
  created_at: Date
  updated_at: Date
}

export interface NewTask {
  projectId: ProjectId
  title: string
  prompt: string
  agentRuntime: AgentRuntime
  demo: boolean
  justDoIt: boolean
  baseBranch: string
  priority: Priority
  createdBy: UserId
}

/** A board with more open tasks than this shows the newest. */
const openShown = 2000
const mergedShown = 100

export interface ProjectRepository {
  id: RepositoryId
  name: string
  defaultBranch: string
}

export function cardOf(row: TaskRow, extras: CardExtras): TaskCard {
  return {
    id: row.id,
    projectId: row.project_id,
    number: row.number,
    title: row.title,
    status: row.status,
    failedFrom: row.failed_from,
    failure: row.failure,
    activity: row.activity,
    agentRuntime: row.agent_runtime,
    demo: row.demo,
    progress: row.progress_total === null || row.progress_done === null ? null : { done: row.progress_done, total: row.progress_total },
    priority: priorities[row.priority] ?? 'normal',
    step: row.step,
    version: row.version,
    ...extras,
    createdBy: { id: row.created_by, name: row.created_by_name },
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

export const specFolderOfRow = (row: Pick<TaskRow, 'number' | 'slug'>): string => specFolderOf(row.number, row.slug)

/** Where the working branch leaves from and is merged to: a person chooses it in the first repository, in the others it is their default branch. */
export const baseBranchIn = (task: Pick<TaskRow, 'base_branch'>, repository: ProjectRepository, position: number): string =>
  position === 0 ? task.base_branch : repository.defaultBranch

/** Reads of tasks, and their creation. The status is written by `internal/steps.ts` alone. */
export class TaskStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  private select() {
    return this.db('spec_tasks').join('users', 'users.id', 'spec_tasks.created_by').select('spec_tasks.*', 'users.name as created_by_name')
  }

  async find(orgId: OrgId, id: TaskId): Promise<TaskRow | null> {
    return (await this.select().where({ 'spec_tasks.org_id': orgId, 'spec_tasks.id': id }).first()) ?? null
  }

  /** Everything that is open, and the newest of what is merged. */
  async board(orgId: OrgId, projectId: ProjectId): Promise<TaskRow[]> {
    const of = () => this.select().where({ 'spec_tasks.org_id': orgId, project_id: projectId }).orderBy('updated_at', 'desc')
    const open = await of().whereNotIn('status', ['archived', 'merged']).limit(openShown)
    return [...open, ...(await of().where({ status: 'merged' }).limit(mergedShown))]
  }

  async count(orgId: OrgId, projectId: ProjectId, status: TaskStatus): Promise<number> {
    const row = await this.db('spec_tasks').where({ org_id: orgId, project_id: projectId, status }).count('* as count').first()
    return Number(row?.count ?? 0)
  }

  async cards(orgId: OrgId, rows: readonly TaskRow[]): Promise<TaskCard[]> {
    const extras = await new ExtrasStore(this.db).ofTasks(
      orgId,
      rows.map(({ id }) => id),
    )
    return rows.map((row) => cardOf(row, extras(row.id)))
  }

  async list(
    orgId: OrgId,
    projectId: ProjectId,
    { status, ids, find }: { status?: TaskStatus | undefined; ids?: readonly string[] | undefined; find?: string | undefined },
    before: number | undefined,
    limit: number,
  ): Promise<TaskRow[]> {
    return this.select()
      .where({ 'spec_tasks.org_id': orgId, project_id: projectId })
      .modify((query) => {
        if (status !== undefined) query.andWhere({ status })
        if (ids !== undefined) query.whereIn('spec_tasks.id', [...ids])
        if (before !== undefined) query.andWhere('number', '<', before)
        for (const { pattern, number } of findWords(find))
          query.andWhere((either) => void either.whereILike('spec_tasks.title', pattern).orWhere('number', number ?? -1))
      })
      .orderBy('number', 'desc')
      .limit(limit)
  }

  async repositoriesOf(orgId: OrgId, projectId: ProjectId): Promise<ProjectRepository[]> {
    const rows = await this.db('project_repositories as p')
      .join('repositories as r', 'r.id', 'p.repository_id')
      .where({ 'p.project_id': projectId, 'r.org_id': orgId })
      .orderBy('p.position')
      .select('r.id', 'r.name', 'r.default_branch')
    return rows.map((row) => ({ id: row.id, name: row.name, defaultBranch: row.default_branch }))
  }

  /**
   * Folder and branch are names in repositories, which projects may share while each counts from 1: the slug tells two tasks of the same number
   * apart. The lock keeps two such projects from choosing at once.
   */
  private async freeSlug(trx: Knex, orgId: OrgId, { projectId, title }: NewTask, number: number): Promise<string> {
    const ours = trx('project_repositories').where({ project_id: projectId }).select('repository_id')
    await trx('repositories').where({ org_id: orgId }).whereIn('id', ours).orderBy('id').forNoKeyUpdate().select('id')
    const sharing = trx('project_repositories').whereIn('repository_id', ours).select('project_id')
    const taken = await trx('spec_tasks').where({ org_id: orgId, number }).whereIn('project_id', sharing).select('slug')
    return slugOf(title, new Set(taken.map((row) => row.slug)))
  }

  /** The number comes from the project's row, which this locks: a hundred at once count 1 to 100. */
  async insert(trx: Knex, orgId: OrgId, task: NewTask): Promise<TaskId> {
    const [project] = await trx('projects')
      .where({ id: task.projectId, org_id: orgId })
      .increment('last_task_number', 1)
      .returning('last_task_number')
    const number = project.last_task_number as number
    const id = newId('task')
    const slug = await this.freeSlug(trx, orgId, task, number)
    await trx('spec_tasks').insert({
      id,
      org_id: orgId,
      project_id: task.projectId,
      number,
      slug,
      title: task.title,
      prompt: task.prompt,
      status: 'backlog',
      activity: 'In the backlog',
      agent_runtime: task.agentRuntime,
      demo: task.demo,
      just_do_it: task.justDoIt,
      base_branch: task.baseBranch,
      priority: priorities.indexOf(task.priority),
      branch: branchOf(number, slug),
      created_by: task.createdBy,
    })
    return id
  }

  async steps(orgId: OrgId, taskId: TaskId): Promise<TimelineStep[]> {
    const rows = await this.db('task_steps as s')
      .leftJoin('users as u', 'u.id', 's.actor_id')
      .where({ 's.org_id': orgId, 's.task_id': taskId })
      .orderBy('s.step')
      .select('s.*', 'u.name as actor')
    return rows.map((row, index) => ({
      step: row.step,
      status: row.status,
      cause: row.cause,
      reason: row.reason,
      actor: row.actor,
      at: row.at.toISOString(),
      durationMs: rows[index + 1] === undefined ? null : rows[index + 1].at.getTime() - row.at.getTime(),
    }))
  }

  /** One that came to nothing is over too. */
  async sessionStarts(orgId: OrgId, sessionId: SessionId | null): Promise<SessionStart[]> {
    if (sessionId === null) return []
    const rows = await this.db('session_starts as t')
      .join('agent_sessions as s', 's.id', 't.session_id')
      .where({ 't.org_id': orgId, 't.session_id': sessionId })
      .orderBy('t.epoch')
      .select('t.*', this.db.raw("s.state = 'starting' and s.epoch = t.epoch as starts"))
    return rows.map(({ epoch, reason, stages, running, starts, at }) => ({
      epoch,
      reason,
      stages,
      running: starts ? running : null,
      at: at.toISOString(),
    }))
  }

  async turns(orgId: OrgId, taskId: TaskId) {
    const rows = await this.db('prompts').where({ org_id: orgId, task_id: taskId }).orderBy(['queued_at', 'id'])
    return rows.map((row) => ({
      promptId: row.id as PromptId,
      kind: row.kind as string,
      state: row.state as 'queued' | 'running' | 'ended' | 'failed' | 'withdrawn',
      outcome: row.outcome as string | null,
      queuedAt: row.queued_at.toISOString() as string,
      startedAt: (row.started_at?.toISOString() ?? null) as string | null,
      endedAt: (row.ended_at?.toISOString() ?? null) as string | null,
    }))
  }

  async newestRevision(orgId: OrgId, taskId: TaskId) {
    const row = await this.db('spec_revisions').where({ org_id: orgId, task_id: taskId }).orderBy('number', 'desc').first()
    return row === undefined
      ? null
      : { id: row.id, number: row.number as number, commit: row.commit as string, createdAt: row.created_at as Date }
  }

  /** The first repository of the project that has the working branch, and where the push log saw it last; null before the first push. */
  async branchHome(
    task: Pick<TaskRow, 'org_id' | 'project_id' | 'branch'>,
  ): Promise<{ repositoryId: RepositoryId; commit: string; position: number } | null> {
    const row = await this.db('project_repositories as p')
      .join('repositories as r', 'r.id', 'p.repository_id')
      .join('repository_refs as f', 'f.repository_id', 'p.repository_id')
      .where({ 'p.project_id': task.project_id, 'r.org_id': task.org_id, 'f.ref': `refs/heads/${task.branch}` })
      .orderBy('p.position')
      .first('p.repository_id', 'p.position', 'f.commit')
    return row === undefined ? null : { repositoryId: row.repository_id, commit: row.commit, position: row.position }
  }

  /** The status as it stands until the transaction ends: no step is written meanwhile. */
  async lockStatus(trx: Knex, task: TaskRow): Promise<TaskStatus> {
    const row = await trx('spec_tasks').where({ org_id: task.org_id, id: task.id }).forKeyShare().first('status')
    return row.status
  }

  /** False when the task has gone on since that step. */
  async setActivity(trx: Knex, id: TaskId, step: number, activity: string): Promise<boolean> {
    return (await trx('spec_tasks').where({ id, step }).update({ activity })) === 1
  }

  /** What finds the task's workflow in Temporal. */
  async searchKeys(id: TaskId): Promise<Pick<TaskRow, 'org_id' | 'project_id' | 'status'> | null> {
    return (await this.db('spec_tasks').where({ id }).first('org_id', 'project_id', 'status')) ?? null
  }

  async insertPersonPrompt(
    trx: Knex,
    task: TaskRow,
    { authorId, text, mode, attachmentIds }: { authorId: UserId; text: string; mode: PromptMode; attachmentIds: string[] },
  ): Promise<PromptId> {
    const id = newId('prompt')
    await trx('prompts').insert({
      id,
      org_id: task.org_id,
      session_id: task.session_id,
      task_id: task.id,
      kind: 'person',
      author_id: authorId,
      text,
      mode,
      attachment_ids: JSON.stringify(attachmentIds),
      state: 'queued',
    })
    return id
  }
}
