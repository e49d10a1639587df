import { HelixError } from '@helix/contract/errors'
import type { LabelId, OrgId, ProjectId } from '@helix/contract/ids'
import type { Label } from '@helix/contract/labels'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

const asLabel = ({ id, name, colour }: Label): Label => ({ id, name, colour })

/** Labels of projects. */
export class LabelStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async list(orgId: OrgId, projectId: ProjectId): Promise<Label[]> {
    return (await this.db('labels').where({ org_id: orgId, project_id: projectId }).orderByRaw('lower(name)')).map(asLabel)
  }

  /** Throws `conflict` when the name is taken. */
  private async unlessTaken<T>(name: string | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if ((error as { code?: string }).code !== '23505') throw error
      throw new HelixError('conflict', `name: there is a label "${name}" already`, { fields: { name: 'is taken' } })
    }
  }

  async insert(trx: Knex, orgId: OrgId, projectId: ProjectId, { name, colour }: Omit<Label, 'id'>): Promise<Label> {
    const row = { id: newId('label'), org_id: orgId, project_id: projectId, name, colour }
    await this.unlessTaken(name, () => trx('labels').insert(row))
    return asLabel(row)
  }

  async update(trx: Knex, orgId: OrgId, projectId: ProjectId, id: LabelId, change: Partial<Omit<Label, 'id'>>): Promise<Label> {
    const where = { id, org_id: orgId, project_id: projectId }
    const [row] = await this.unlessTaken(change.name, () =>
      trx('labels')
        .where(where)
        .update({ ...change, id })
        .returning('*'),
    )
    if (row === undefined) throw new HelixError('not_found')
    return asLabel(row)
  }

  async remove(trx: Knex, orgId: OrgId, projectId: ProjectId, id: LabelId): Promise<boolean> {
    return (await trx('labels').where({ id, org_id: orgId, project_id: projectId }).delete()) === 1
  }
}
