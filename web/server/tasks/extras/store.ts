import type { Attachment } from '@helix/contract/attachments'
import type { OrgId, ProjectId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import type { Label } from '@helix/contract/labels'
import type { TaskStatus } from '@helix/contract/task-status'
import type { Task, TaskCard } from '@helix/contract/tasks'
import type { Knex } from 'knex'
import { seesProject } from '../../access/store.ts'

export type CardExtras = Pick<TaskCard, 'labels' | 'assignees' | 'blockedBy' | 'attachmentCount' | 'needsBudget' | 'liveSessionId'>
type Related = Task['dependsOn'][number]

interface DependencyRow {
  task_id: TaskId
  id: TaskId
  project_id: ProjectId
  number: number
  title: string
  status: TaskStatus
}

/** A private project's titles are for those who see it: elsewhere only the number is shown. */
const shownTitle = `case when p.visibility = 'private' and s.project_id <> own.project_id then 'A task of a private project' else s.title end as title`

/** SQL: who depends on the task of the table `needed` waits for it. What was archived, or deleted with its project, will not be merged: nobody waits for that. */
export const stillToCome = (needed: string): string => `${needed}.merged_commit is null and ${needed}.status <> 'archived'
  and not exists (select 1 from projects gone where gone.id = ${needed}.project_id and gone.deleted_at is not null)`

const relatedOf = ({ id, project_id, number, title, status }: DependencyRow): Related => ({
  id,
  projectId: project_id,
  number,
  title,
  status,
})

export const attachmentOf = (row: {
  id: Attachment['id']
  name: string
  type: Attachment['type']
  size: number
  caption?: string | null
}): Attachment => ({
  id: row.id,
  name: row.name,
  type: row.type,
  size: row.size,
  caption: row.caption ?? null,
  url: `/api/v1/attachments/${row.id}`,
})

/** What hangs on tasks: labels, assignees, dependencies, attachments. A handful of queries for any number of tasks. */
export class ExtrasStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** For cards; `tasks` narrows a query of task ids. */
  async ofTasks(orgId: OrgId, ids: readonly TaskId[]): Promise<(id: TaskId) => CardExtras> {
    // One after the other: within a transaction there is one connection.
    const labels = await this.db('task_labels as t')
      .join('labels as l', 'l.id', 't.label_id')
      .where({ 'l.org_id': orgId })
      .whereIn('t.task_id', [...ids])
      .orderByRaw('lower(l.name)')
      .select('t.task_id', 'l.id', 'l.name', 'l.colour')
    const assignees = await this.db('task_assignees as a')
      .join('users as u', 'u.id', 'a.user_id')
      .join('spec_tasks as s', 's.id', 'a.task_id')
      .join('projects as p', 'p.id', 's.project_id')
      .where({ 's.org_id': orgId })
      .whereIn('a.task_id', [...ids])
      .orderByRaw('lower(u.name), u.id')
      .select('a.task_id', 'u.id', 'u.name', this.db.raw(`not ${seesProject('u.id', 'p')} as lost_access`))
    const blockers = await this.blockers(this.db, ids)
    const attachments = await this.db('attachments')
      .where({ org_id: orgId })
      .whereIn('task_id', [...ids])
      .groupBy('task_id')
      .select('task_id')
      .count('* as count')
    const live = await this.db('spec_tasks as s')
      .join('agent_sessions as a', 'a.id', 's.session_id')
      .where({ 's.org_id': orgId })
      .whereIn('s.id', [...ids])
      .whereIn('a.state', ['idle', 'running'])
      .select('s.id as task_id', 'a.id')
    const stopped = await this.db('budget_stops')
      .where({ org_id: orgId })
      .whereIn('task_id', [...ids])
      .whereNull('ended_at')
      .whereNotNull('paused_at')
      .select('task_id')
    const needing = new Set<string>(stopped.map(({ task_id }) => task_id))
    const by = <T extends { task_id?: unknown }>(rows: T[]) => Map.groupBy(rows, (row) => String(row.task_id))
    const [labelsBy, assigneesBy, blockersBy, countBy, liveBy] = [by(labels), by(assignees), by(blockers), by(attachments), by(live)]
    return (id) => ({
      needsBudget: needing.has(id),
      liveSessionId: (liveBy.get(id)?.[0]?.id as SessionId | undefined) ?? null,
      labels: (labelsBy.get(id) ?? []).map((row): Label => ({ id: row.id, name: row.name, colour: row.colour })),
      assignees: (assigneesBy.get(id) ?? []).map((row) => ({
        id: row.id as UserId,
        name: row.name as string,
        lostAccess: row.lost_access as boolean,
      })),
      blockedBy: (blockersBy.get(id) ?? []).map(({ number }) => number),
      attachmentCount: Number(countBy.get(id)?.[0]?.count ?? 0),
    })
  }

  /** Dependencies that are still to be merged. */
  blockers(trx: Knex, ids: readonly TaskId[]): Promise<{ task_id: TaskId; id: TaskId; number: number; status: TaskStatus }[]> {
    return trx('task_dependencies as d')
      .join('spec_tasks as s', 's.id', 'd.depends_on')
      .whereIn('d.task_id', [...ids])
      .whereRaw(stillToCome('s'))
      .orderBy('s.number')
      .select('d.task_id', 's.id', 's.number', 's.status')
  }

  async dependsOn(orgId: OrgId, id: TaskId): Promise<Related[]> {
    const rows: DependencyRow[] = await this.db('task_dependencies as d')
      .join('spec_tasks as s', 's.id', 'd.depends_on')
      .where({ 'd.org_id': orgId, 'd.task_id': id })
      .orderBy('s.number')
      .join('spec_tasks as own', 'own.id', 'd.task_id')
      .join('projects as p', 'p.id', 's.project_id')
      .select('d.task_id', 's.id', 's.project_id', 's.number', 's.status', this.db.raw(shownTitle))
    return rows.map(relatedOf)
  }

  async neededBy(orgId: OrgId, id: TaskId): Promise<Related[]> {
    const rows: DependencyRow[] = await this.db('task_dependencies as d')
      .join('spec_tasks as s', 's.id', 'd.task_id')
      .where({ 'd.org_id': orgId, 'd.depends_on': id })
      .orderBy('s.number')
      .join('spec_tasks as own', 'own.id', 'd.depends_on')
      .join('projects as p', 'p.id', 's.project_id')
      .select('d.task_id', 's.id', 's.project_id', 's.number', 's.status', this.db.raw(shownTitle))
    return rows.map(relatedOf)
  }

  async attachments(orgId: OrgId, id: TaskId): Promise<Attachment[]> {
    const rows = await this.db('attachments').where({ org_id: orgId, task_id: id }).orderBy('id')
    return rows.map(attachmentOf)
  }

  async setLabels(trx: Knex, projectId: ProjectId, taskId: TaskId, labelIds: readonly string[]): Promise<string | null> {
    const known = await trx('labels')
      .where({ project_id: projectId })
      .whereIn('id', [...labelIds])
      .select('id')
    const missing = labelIds.find((id) => !known.some((row) => row.id === id))
    if (missing !== undefined) return missing
    await trx('task_labels')
      .where({ task_id: taskId })
      .whereNotIn('label_id', [...labelIds])
      .delete()
    for (const label_id of new Set(labelIds)) await trx('task_labels').insert({ task_id: taskId, label_id }).onConflict().ignore()
    return null
  }

  /** Who of these may see the project, and so be assigned to its tasks. */
  async assignable(trx: Knex, orgId: OrgId, projectId: ProjectId, userIds: readonly UserId[]): Promise<UserId[]> {
    const rows = await trx('users as u')
      .join('projects as p', (join) => join.onVal('p.id', '=', projectId).andOnVal('p.org_id', '=', orgId))
      .whereIn('u.id', [...userIds])
      .whereRaw(seesProject('u.id', 'p'))
      .select('u.id')
    return rows.map(({ id }) => id)
  }

  /** Answers why somebody cannot be assigned, for people. Who is assigned already and lost access since may stay. */
  async setAssignees(
    trx: Knex,
    { orgId, projectId, taskId }: { orgId: OrgId; projectId: ProjectId; taskId: TaskId },
    userIds: readonly UserId[],
  ): Promise<string | null> {
    const assigned = await trx('task_assignees').where({ task_id: taskId }).select('user_id')
    const added = [...new Set(userIds)].filter((id) => !assigned.some((row) => row.user_id === id))
    const may = await this.assignable(trx, orgId, projectId, added)
    const refused = added.find((id) => !may.includes(id))
    if (refused !== undefined) return this.whyNotAssigned(trx, orgId, refused)
    await trx('task_assignees')
      .where({ task_id: taskId })
      .whereNotIn('user_id', [...userIds])
      .delete()
    for (const user_id of added) await trx('task_assignees').insert({ task_id: taskId, user_id }).onConflict().ignore()
    return null
  }

  /** People of other organisations have no name here. */
  private async whyNotAssigned(trx: Knex, orgId: OrgId, userId: UserId): Promise<string> {
    const person = await trx('memberships as m')
      .join('users as u', 'u.id', 'm.user_id')
      .where({ 'm.org_id': orgId, 'm.user_id': userId })
      .first('u.name', 'm.deactivated_at')
    if (person === undefined) return 'nobody of this organisation'
    if (person.deactivated_at !== null) return `${person.name} is deactivated`
    return `${person.name} may not see this project: give them access first`
  }

  /** Hangs files that were uploaded to this project, by anybody who may, on the task. What hangs elsewhere stays there. */
  async attach(trx: Knex, projectId: ProjectId, taskId: TaskId, attachmentIds: readonly string[]): Promise<string | null> {
    const changed = await trx('attachments')
      .where({ project_id: projectId })
      .whereIn('id', [...attachmentIds])
      .andWhere((either) => either.whereNull('task_id').orWhere({ task_id: taskId }))
      .update({ task_id: taskId })
      .returning('id')
    return attachmentIds.find((id) => !changed.some((row) => row.id === id)) ?? null
  }
}
