import type { Id, OrgId, ProjectId, UserId } from '@helix/contract/ids'
import type { BoardView } from '@helix/contract/views'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

/** Saved views of boards. */
export class ViewStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async list(orgId: OrgId, projectId: ProjectId, userId: UserId): Promise<BoardView[]> {
    const rows = await this.db('board_views as v')
      .join('users as u', 'u.id', 'v.user_id')
      .where({ 'v.org_id': orgId, 'v.project_id': projectId })
      .andWhere((either) => either.where({ 'v.user_id': userId }).orWhere({ 'v.shared': true }))
      .orderByRaw('lower(v.name), v.id')
      .select('v.*', 'u.name as by')
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      query: row.query,
      shared: row.shared,
      own: row.user_id === userId,
      by: row.by,
    }))
  }

  async insert(
    orgId: OrgId,
    projectId: ProjectId,
    userId: UserId,
    view: Pick<BoardView, 'name' | 'query' | 'shared'>,
  ): Promise<Id<'view'>> {
    const id = newId('view')
    const { name, query, shared } = view
    await this.db('board_views').insert({ id, org_id: orgId, project_id: projectId, user_id: userId, name, query, shared })
    return id
  }

  async remove(orgId: OrgId, projectId: ProjectId, userId: UserId, id: Id<'view'>): Promise<boolean> {
    return (await this.db('board_views').where({ id, org_id: orgId, project_id: projectId, user_id: userId }).delete()) === 1
  }
}
