import type { Exposure } from '@helix/contract/exposure'
import type { OrgId, ProjectId, SecretId, UserId } from '@helix/contract/ids'
import type { SessionSecret } from '@helix/contract/link'
import type { Secret } from '@helix/contract/secrets'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import { type SealingKeys, seal, unseal } from './seal.ts'

export interface NewSecret {
  name: string
  value: string
  exposure: Exposure
}

export interface SecretChange {
  value?: string | undefined
  exposure?: Exposure | undefined
  /** When it was changed last, as the caller knows it. */
  expectedChangedAt?: string | undefined
}

const place = (orgId: OrgId, id: string) => ({ orgId, table: 'secrets', column: 'value', row: id })

/** Where secrets are: of the organisation (null) or of one project. */
type Scope = ProjectId | null

/** Secrets of sessions, sealed. Nothing here answers a value but `ofSession` and `valueOf`. */
export class SecretStore {
  private readonly db: Knex
  private readonly keys: SealingKeys

  constructor(db: Knex, keys: SealingKeys) {
    this.db = db
    this.keys = keys
  }

  private select(orgId: OrgId) {
    return this.db('secrets as s')
      .leftJoin('users as u', 'u.id', 's.changed_by')
      .where({ 's.org_id': orgId })
      .orderBy('s.name')
      .select('s.id', 's.project_id', 's.name', 's.exposure', 's.changed_at', 'u.name as person')
  }

  /** Of the organisation alone, or of a project with those of the organisation that it does not replace. */
  async list(orgId: OrgId, scope: Scope): Promise<Secret[]> {
    const rows = await this.select(orgId).andWhere((either) => {
      either.whereNull('s.project_id')
      if (scope !== null) either.orWhere('s.project_id', scope)
    })
    const own = new Set(rows.filter((row) => row.project_id !== null).map((row) => row.name))
    return rows
      .filter((row) => row.project_id !== null || !own.has(row.name))
      .map((row) => ({
        id: row.id,
        name: row.name,
        scope: row.project_id === null ? 'organisation' : 'project',
        exposure: row.exposure,
        changedBy: row.person,
        changedAt: row.changed_at.toISOString(),
      }))
  }

  /** Null: the scope has one of this name. */
  async insert(trx: Knex, orgId: OrgId, scope: Scope, { name, value, exposure }: NewSecret, actorId: UserId): Promise<SecretId | null> {
    const id = newId('secret')
    const sealed = seal(this.keys, place(orgId, id), value)
    const made = await trx('secrets')
      .insert({ id, org_id: orgId, project_id: scope, name, exposure, value: sealed, changed_by: actorId })
      .onConflict(trx.raw("(org_id, coalesce(project_id, ''), name)"))
      .ignore()
      .returning('id')
    return made.length === 1 ? id : null
  }

  /** False: the scope has no such secret, or it is not the expected one any more. */
  async update(trx: Knex, orgId: OrgId, scope: Scope, id: SecretId, change: SecretChange, actorId: UserId): Promise<boolean> {
    const columns = {
      ...(change.value === undefined ? {} : { value: seal(this.keys, place(orgId, id), change.value) }),
      ...(change.exposure === undefined ? {} : { exposure: change.exposure }),
    }
    const row = trx('secrets').where({ org_id: orgId, project_id: scope, id })
    if (change.expectedChangedAt !== undefined) row.whereRaw("date_trunc('milliseconds', changed_at) = ?", [change.expectedChangedAt])
    if (Object.keys(columns).length === 0) return (await row.first('id')) !== undefined
    return (await row.update({ ...columns, changed_by: actorId, changed_at: trx.fn.now() })) === 1
  }

  async remove(orgId: OrgId, scope: Scope, id: SecretId): Promise<boolean> {
    return (await this.db('secrets').where({ org_id: orgId, project_id: scope, id }).delete()) === 1
  }

  /** What a session of the project gets, opened. */
  async ofSession(trx: Knex, orgId: OrgId, projectId: ProjectId): Promise<SessionSecret[]> {
    return (await this.all(trx, orgId, projectId)).filter(({ exposure }) => exposure !== 'image' && exposure !== 'proxy')
  }

  /** The value that the project has under the name; null: it has none. */
  async valueOf(trx: Knex, orgId: OrgId, projectId: ProjectId, name: string): Promise<string | null> {
    return (await this.all(trx, orgId, projectId)).find((secret) => secret.name === name)?.value ?? null
  }

  /** All values of the organisation by project, each with those of the organisation; under null those of the organisation alone. */
  async valuesByProject(orgId: OrgId): Promise<Map<ProjectId | null, { name: string; value: string }[]>> {
    const rows = await this.db('secrets').where({ org_id: orgId }).select('id', 'project_id', 'name', 'value')
    const opened = rows.map((row) => ({
      projectId: row.project_id as ProjectId | null,
      name: row.name as string,
      value: unseal(this.keys, place(orgId, row.id), row.value),
    }))
    const projects = new Set(opened.map(({ projectId }) => projectId).concat(null))
    const of = (projectId: ProjectId | null) => opened.filter((one) => one.projectId === null || one.projectId === projectId)
    return new Map([...projects].map((id) => [id, of(id).map(({ name, value }) => ({ name, value }))]))
  }

  /** A project's own secret wins over the organisation's of the same name. */
  private async all(trx: Knex, orgId: OrgId, projectId: ProjectId): Promise<SessionSecret[]> {
    const rows = await trx('secrets')
      .where({ org_id: orgId })
      .andWhere((either) => either.whereNull('project_id').orWhere({ project_id: projectId }))
      // The organisation's first: the project's then replaces them.
      .orderByRaw('project_id nulls first')
    const byName = new Map<string, SessionSecret>()
    for (const { id, name, exposure, value } of rows)
      byName.set(name, { name, exposure, value: unseal(this.keys, place(orgId, id), value) })
    return [...byName.values()].sort((a, b) => a.name.localeCompare(b.name))
  }
}
