import type { OrgId, RepositoryId } from '@helix/contract/ids'
import type { Repository } from '@helix/contract/repositories'
import type { Knex } from 'knex'

interface RepositoryRow {
  id: RepositoryId
  name: string
  default_branch: string
  imported_from: string | null
  created_at: Date
  slug: string
}

export interface Leftover {
  orgId: OrgId
  repositoryId: RepositoryId
  ageMs: number
}

const toRepository = (row: RepositoryRow): Repository => ({
  id: row.id,
  name: row.name,
  defaultBranch: row.default_branch,
  clonePath: `/git/${row.slug}/${row.name}.git`,
  importedFrom: row.imported_from,
  createdAt: row.created_at.toISOString(),
})

const age = 'extract(epoch from now() - created_at) * 1000 as age_ms'

interface LeftoverRow {
  id: RepositoryId
  org_id: OrgId
  age_ms: string | number
}

const toLeftover = (row: LeftoverRow): Leftover => ({ orgId: row.org_id, repositoryId: row.id, ageMs: Number(row.age_ms) })

/** Rows of repositories. Only those that stand on disk are shown to anybody. */
export class RepositoryStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  private ready(orgId: OrgId) {
    return this.db('repositories')
      .join('organisations', 'organisations.id', 'repositories.org_id')
      .where({ 'repositories.org_id': orgId, 'repositories.state': 'ready' })
      .select('repositories.*', 'organisations.slug')
  }

  /** `visible`: null for all. */
  async list(orgId: OrgId, visible: ReadonlySet<RepositoryId> | null, limit: number, after: string | undefined): Promise<Repository[]> {
    const query = this.ready(orgId).orderBy('repositories.id').limit(limit)
    if (visible !== null) query.whereIn('repositories.id', [...visible])
    if (after !== undefined) query.where('repositories.id', '>', after)
    return ((await query) as RepositoryRow[]).map(toRepository)
  }

  async find(orgId: OrgId, id: RepositoryId): Promise<Repository | null> {
    const row = (await this.ready(orgId).where({ 'repositories.id': id }).first()) as RepositoryRow | undefined
    return row === undefined ? null : toRepository(row)
  }

  /** False when the organisation has a repository of this name, or one is being made. */
  async insertCreating(orgId: OrgId, id: RepositoryId, name: string, importedFrom: string | null): Promise<boolean> {
    const row = { id, org_id: orgId, name, default_branch: 'main', imported_from: importedFrom, state: 'creating' }
    const inserted = await this.db('repositories').insert(row).onConflict(['org_id', 'name']).ignore().returning('id')
    return inserted.length === 1
  }

  /** False when the row is gone: somebody took it for a leftover. */
  async markReady(trx: Knex.Transaction, orgId: OrgId, id: RepositoryId, defaultBranch: string): Promise<boolean> {
    const update = { state: 'ready', default_branch: defaultBranch }
    return (await trx('repositories').where({ id, org_id: orgId, state: 'creating' }).update(update)) === 1
  }

  async removeCreating(orgId: OrgId, id: RepositoryId): Promise<void> {
    await this.db('repositories').where({ id, org_id: orgId, state: 'creating' }).delete()
  }

  async findCreating(orgId: OrgId, name: string): Promise<Leftover | null> {
    const row = await this.db('repositories').where({ org_id: orgId, name, state: 'creating' }).first('id', 'org_id', this.db.raw(age))
    return row === undefined ? null : toLeftover(row)
  }

  /** Of every organisation: what a dead process may have left half made. */
  async listCreating(): Promise<Leftover[]> {
    const rows = await this.db('repositories').where({ state: 'creating' }).select('id', 'org_id', this.db.raw(age))
    return (rows as LeftoverRow[]).map(toLeftover)
  }
}
