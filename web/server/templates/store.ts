import type { Id, OrgId, ProjectId, UserId } from '@helix/contract/ids'
import { priorities } from '@helix/contract/priorities'
import type { TaskTemplate } from '@helix/contract/templates'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

interface TemplateRow {
  id: Id<'template'>
  name: string
  prompt: string
  just_do_it: boolean
  priority: number
}

const templateOf = (row: TemplateRow): TaskTemplate => ({
  id: row.id,
  name: row.name,
  prompt: row.prompt,
  justDoIt: row.just_do_it,
  priority: priorities[row.priority] ?? 'normal',
})

/** Templates for new tasks. */
export class TemplateStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async list(orgId: OrgId, projectId: ProjectId): Promise<TaskTemplate[]> {
    return (await this.db('task_templates').where({ org_id: orgId, project_id: projectId }).orderByRaw('lower(name)')).map(templateOf)
  }

  /** One of the same name is replaced. */
  async put(orgId: OrgId, projectId: ProjectId, userId: UserId, template: Omit<TaskTemplate, 'id'>): Promise<TaskTemplate> {
    const row = {
      name: template.name,
      prompt: template.prompt,
      just_do_it: template.justDoIt,
      priority: priorities.indexOf(template.priority),
    }
    const [known] = await this.db('task_templates')
      .where({ org_id: orgId, project_id: projectId })
      .whereRaw('lower(name) = lower(?)', [template.name])
      .update(row)
      .returning('*')
    if (known !== undefined) return templateOf(known)
    const [made] = await this.db('task_templates')
      .insert({ id: newId('template'), org_id: orgId, project_id: projectId, created_by: userId, ...row })
      .returning('*')
    return templateOf(made)
  }

  async remove(orgId: OrgId, projectId: ProjectId, id: Id<'template'>): Promise<boolean> {
    return (await this.db('task_templates').where({ id, org_id: orgId, project_id: projectId }).delete()) === 1
  }
}
