import type { OrgId, ProjectId } from '@helix/contract/ids'
import type { Onboarding } from '@helix/contract/onboarding'
import type { TaskStatus } from '@helix/contract/task-status'
import type { Knex } from 'knex'
import type { TaskRow } from '../tasks/store.ts'

/** From the least to the furthest; what failed comes before what waits. */
const course: readonly TaskStatus[] = [
  'archived',
  'backlog',
  'failed',
  'queued_planning',
  'planning',
  'spec_review',
  'queued_implementation',
  'implementing',
  'implementation_review',
  'pull_request',
  'merged',
]
const rank = `case spec_tasks.status ${course.map((status, index) => `when '${status}' then ${index}`).join(' ')} else 0 end`

/** How far an organisation came. `visible`: null means every project of the organisation. */
export class OnboardingStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async state(orgId: OrgId): Promise<{ complete: boolean; dismissed: boolean }> {
    const merged = this.db('spec_tasks').where({ org_id: orgId, status: 'merged' }).select(this.db.raw('1'))
    const row = await this.db('organisations')
      .where({ id: orgId })
      .first('onboarding_dismissed_at', this.db.raw('exists (?) as complete', [merged]))
    return { complete: row?.complete === true, dismissed: row?.onboarding_dismissed_at != null }
  }

  async setDismissed(orgId: OrgId, dismissed: boolean): Promise<void> {
    await this.db('organisations')
      .where({ id: orgId })
      .update({ onboarding_dismissed_at: dismissed ? this.db.fn.now() : null })
  }

  /** Names of at most three who may set things up, owners first. */
  async administrators(orgId: OrgId): Promise<string[]> {
    const rows = await this.db('memberships as m')
      .join('users as u', 'u.id', 'm.user_id')
      .where({ 'm.org_id': orgId })
      .whereIn('m.role', ['owner', 'admin'])
      .whereNull('m.deactivated_at')
      .orderByRaw("case m.role when 'owner' then 0 else 1 end, m.created_at")
      .limit(3)
      .select('u.name')
    return rows.map(({ name }) => name)
  }

  async repository(orgId: OrgId, visible: ReadonlySet<ProjectId> | null): Promise<Onboarding['repository']> {
    const query = this.db('repositories as r').where({ 'r.org_id': orgId }).whereNot('r.state', 'creating').orderBy('r.created_at')
    if (visible !== null)
      query.whereIn(
        'r.id',
        this.db('project_repositories')
          .whereIn('project_id', [...visible])
          .select('repository_id'),
      )
    const row = await query.first('r.id', 'r.name', 'r.imported_from')
    return row === undefined ? null : { id: row.id, name: row.name, importedFrom: row.imported_from }
  }

  async project(orgId: OrgId, visible: ReadonlySet<ProjectId> | null): Promise<Onboarding['project']> {
    const query = this.db('projects').where({ org_id: orgId, deleted_at: null, archived_at: null }).orderBy('created_at')
    if (visible !== null) query.whereIn('id', [...visible])
    return (await query.first('id', 'name')) ?? null
  }

  async furthestTask(orgId: OrgId, visible: ReadonlySet<ProjectId> | null): Promise<Onboarding['task']> {
    const query = this.db('spec_tasks')
      .join('projects as p', 'p.id', 'spec_tasks.project_id')
      .where({ 'spec_tasks.org_id': orgId, 'p.deleted_at': null })
      .whereNot('spec_tasks.status', 'archived')
      .orderByRaw(`${rank} desc, spec_tasks.updated_at desc`)
    if (visible !== null) query.whereIn('spec_tasks.project_id', [...visible])
    const row: TaskRow | undefined = await query.first('spec_tasks.*')
    if (row === undefined) return null
    const { id, project_id: projectId, number, title, status, activity, failure, demo } = row
    return { id, projectId, number, title, status, activity, problem: failure?.message ?? null, demo }
  }
}
