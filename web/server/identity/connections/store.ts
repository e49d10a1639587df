import type { Connection as ConnectionAnswer } from '@helix/contract/connections'
import type { Id, OrgId } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { newId } from '../../context.ts'
import { type SealingKeys, seal, unseal } from '../../secrets/seal.ts'

export type Connection = ConnectionAnswer & { orgId: OrgId }
export type ConnectionChange = Partial<Omit<ConnectionAnswer, 'id' | 'callbackUrl'>> & { clientSecret?: string | undefined }

interface ConnectionRow {
  id: Id<'connection'>
  org_id: OrgId
  kind: Connection['kind']
  name: string
  issuer: string
  client_id: string
  client_secret: string
  allowed_domains: string[]
  group_claim: string
  group_roles: Record<string, Role>
  default_role: Role | null
  enabled: boolean
  version: number
}

const place = (row: Pick<ConnectionRow, 'id' | 'org_id'>) => ({
  orgId: row.org_id,
  table: 'connections',
  column: 'client_secret',
  row: row.id,
})

const connectionOf = (row: ConnectionRow): Connection => ({
  id: row.id,
  orgId: row.org_id,
  kind: row.kind,
  name: row.name,
  issuer: row.issuer,
  clientId: row.client_id,
  allowedDomains: row.allowed_domains,
  groupClaim: row.group_claim,
  groupRoles: row.group_roles,
  defaultRole: row.default_role,
  enabled: row.enabled,
  callbackUrl: '',
})

/** Connections to identity providers; the client's secret is sealed. */
export class ConnectionStore {
  private readonly db: Knex
  private readonly keys: SealingKeys

  constructor(db: Knex, keys: SealingKeys) {
    this.db = db
    this.keys = keys
  }

  async list(orgId: OrgId): Promise<Connection[]> {
    return (await this.db('connections').where({ org_id: orgId }).orderBy('id')).map(connectionOf)
  }

  /** What the sign-in page offers. */
  async offered(): Promise<Connection[]> {
    return (await this.db('connections').where({ enabled: true }).orderByRaw('lower(name), id')).map(connectionOf)
  }

  async findById(id: string): Promise<Connection | null> {
    const row = await this.db('connections').where({ id, enabled: true }).first()
    return row === undefined ? null : connectionOf(row)
  }

  /** With what signing in by it needs; `version` changes with every change of it. */
  async findToUse(id: string): Promise<(Connection & { clientSecret: string; version: number }) | null> {
    const row = (await this.db('connections').where({ id, enabled: true }).first()) as ConnectionRow | undefined
    if (row === undefined) return null
    return { ...connectionOf(row), clientSecret: unseal(this.keys, place(row), row.client_secret), version: row.version }
  }

  async put(orgId: OrgId, id: Id<'connection'> | null, change: ConnectionChange): Promise<Connection | null> {
    const made = id ?? newId('connection')
    const fields = {
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.issuer === undefined ? {} : { issuer: change.issuer.replace(/\/$/, '') }),
      ...(change.clientId === undefined ? {} : { client_id: change.clientId }),
      ...(change.clientSecret === undefined
        ? {}
        : { client_secret: seal(this.keys, place({ id: made, org_id: orgId }), change.clientSecret) }),
      ...(change.allowedDomains === undefined ? {} : { allowed_domains: JSON.stringify(change.allowedDomains) }),
      ...(change.groupClaim === undefined ? {} : { group_claim: change.groupClaim }),
      ...(change.groupRoles === undefined ? {} : { group_roles: JSON.stringify(change.groupRoles) }),
      ...(change.defaultRole === undefined ? {} : { default_role: change.defaultRole }),
      ...(change.enabled === undefined ? {} : { enabled: change.enabled }),
    }
    const [row] =
      id === null
        ? await this.db('connections')
            .insert({ id: made, org_id: orgId, kind: change.kind, ...fields })
            .returning('*')
        : await this.db('connections')
            .where({ id, org_id: orgId })
            .update({ ...fields, version: this.db.raw('version + 1') })
            .returning('*')
    return row === undefined ? null : connectionOf(row)
  }

  async remove(orgId: OrgId, id: Id<'connection'>): Promise<boolean> {
    return (await this.db('connections').where({ id, org_id: orgId }).delete()) === 1
  }
}
