import { randomUUID } from 'node:crypto'
import type { ApiKey } from '@helix/contract/identity'
import type { ApiKeyId, OrgId, UserId } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import { OrganisationStore } from '../organisations/store.ts'
import { hashPassword, hashSecret, newSecret, passwordMatches } from './hashing.ts'

export interface Person {
  user: { id: UserId; email: string; name: string }
  organisation: { id: OrgId; slug: string; name: string }
  role: Role
  hasPassword: boolean
}

interface ApiKeyRow {
  id: ApiKeyId
  name: string
  prefix: string
  scopes: ApiKey['scopes']
  expires_at: Date | null
  created_at: Date
  last_used_at: Date | null
}

const asApiKey = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  name: row.name,
  prefix: row.prefix,
  scopes: row.scopes,
  expiresAt: row.expires_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
})

/** Of the first administrator, until they give their own. */
export const placeholderEmail = 'admin@helix.local'

/** People, their organisations and their credentials. Secrets are stored hashed and leave once. */
export class IdentityStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** The organisation and the local administrator of a new installation; found again at every later start. */
  async ensureAdministrator(): Promise<UserId> {
    return this.db.transaction(async (trx) => {
      await trx.raw("select pg_advisory_xact_lock(hashtext('helix.administrator'))")
      const found = await trx('installation').where({ key: 'administrator' }).first('value')
      if (found !== undefined) return (found.value as { userId: UserId }).userId
      const userId = newId('user')
      const orgId = newId('org')
      await trx('users').insert({ id: userId, email: placeholderEmail, name: 'Administrator', email_verified: true })
      await trx('organisations').insert({ id: orgId, slug: 'default', name: 'Default' })
      await trx('memberships').insert({ org_id: orgId, user_id: userId, role: 'owner' })
      await trx('installation').insert({ key: 'administrator', value: JSON.stringify({ userId, orgId }) })
      return userId
    })
  }

  async createLink(userId: UserId): Promise<string> {
    const token = newSecret('hl_')
    await this.db('sign_in_links').insert({
      token_hash: hashSecret(token),
      user_id: userId,
      expires_at: this.db.raw("now() + interval '15 minutes'"),
    })
    return token
  }

  /** Null when unknown, used or expired. Of two at once, one wins. */
  async useLink(token: string): Promise<UserId | null> {
    const rows = await this.db('sign_in_links')
      .where({ token_hash: hashSecret(token) })
      .whereNull('used_at')
      .andWhereRaw('expires_at > now()')
      .update({ used_at: this.db.fn.now() })
      .returning('user_id')
    return rows[0]?.user_id ?? null
  }

  async closeSession(token: string): Promise<void> {
    await this.db('browser_sessions')
      .where({ token: hashSecret(token) })
      .delete()
  }

  async passwordIs(userId: UserId, password: string): Promise<boolean> {
    const row = await this.db('accounts').where({ user_id: userId, provider_id: 'credential' }).first('password')
    return passwordMatches(password, row?.password ?? null)
  }

  /** Every browser session but the one with the token `keep` ends. */
  async setPassword(userId: UserId, password: string, keep: string | null): Promise<void> {
    const hash = await hashPassword(password)
    const changed = await this.db('accounts').where({ user_id: userId, provider_id: 'credential' }).update({ password: hash })
    if (changed === 0)
      await this.db('accounts')
        .insert({ id: randomUUID(), account_id: userId, provider_id: 'credential', user_id: userId, password: hash })
        .onConflict(['provider_id', 'account_id'])
        .merge(['password'])
    await this.db('browser_sessions')
      .where({ user_id: userId })
      .whereNot('token', keep === null ? '' : hashSecret(keep))
      .delete()
  }

  /** The first organisation in which this person has rights. */
  async findHome(userId: UserId): Promise<OrgId | null> {
    const row = await this.db('memberships').where({ user_id: userId }).whereNull('deactivated_at').orderBy('created_at').first('org_id')
    return row?.org_id ?? null
  }

  async makeHome(userId: UserId): Promise<OrgId> {
    const user = await this.db('users').where({ id: userId }).first('name')
    const organisations = new OrganisationStore(this.db)
    return this.db.transaction((trx) => organisations.create(trx, userId, `${user.name}’s organisation`))
  }

  async findByEmail(email: string): Promise<{ id: UserId; name: string; verified: boolean } | null> {
    const row = await this.db('users').whereRaw('lower(email) = lower(?)', [email]).first('id', 'name', 'email_verified')
    return row === undefined ? null : { id: row.id, name: row.name, verified: row.email_verified }
  }

  async getName(userId: UserId): Promise<{ name: string }> {
    return this.db('users').where({ id: userId }).first('name')
  }

  /** In which this person has rights. */
  async organisationsOf(userId: UserId): Promise<OrgId[]> {
    return (await this.db('memberships').where({ user_id: userId }).whereNull('deactivated_at').select('org_id')).map((row) => row.org_id)
  }

  /** Whom the link for a new password is for; null when it was used or has expired. */
  async ownerOfReset(token: string): Promise<UserId | null> {
    const row = await this.db('verifications')
      .where({ identifier: `reset-password:${token}` })
      .andWhereRaw('expires_at > now()')
      .first('value')
    return row?.value ?? null
  }

  async getPerson(orgId: OrgId, userId: UserId): Promise<Person> {
    const row = await this.db('memberships as m')
      .join('users as u', 'u.id', 'm.user_id')
      .join('organisations as o', 'o.id', 'm.org_id')
      .where({ 'm.org_id': orgId, 'm.user_id': userId })
      .first('u.id', 'u.email', 'u.name', 'o.id as org_id', 'o.slug', 'o.name as org_name', 'm.role')
    const password = await this.db('accounts').where({ user_id: userId, provider_id: 'credential' }).whereNotNull('password').first('id')
    return {
      user: { id: row.id, email: row.email, name: row.name },
      organisation: { id: row.org_id, slug: row.slug, name: row.org_name },
      role: row.role,
      hasPassword: password !== undefined,
    }
  }

  async listApiKeys(orgId: OrgId, userId: UserId): Promise<ApiKey[]> {
    const rows = await this.db('api_keys')
      .where({ org_id: orgId, user_id: userId })
      .whereNull('revoked_at')
      // Keys without any scope are pages' own, for minutes.
      .whereRaw("scopes is distinct from '[]'::jsonb")
      .orderBy('created_at', 'desc')
    return rows.map(asApiKey)
  }

  async ownerOfKey(orgId: OrgId, id: ApiKeyId): Promise<UserId | null> {
    return (await this.db('api_keys').where({ org_id: orgId, id }).first('user_id'))?.user_id ?? null
  }

  /** Units: days. */
  async createApiKey(
    orgId: OrgId,
    userId: UserId,
    name: string,
    { scopes = null, expiresInDays = null }: { scopes?: ApiKey['scopes']; expiresInDays?: number | null } = {},
  ): Promise<ApiKey & { secret: string }> {
    const secret = newSecret('hx_')
    const row = {
      id: newId('apiKey'),
      org_id: orgId,
      user_id: userId,
      name,
      prefix: secret.slice(0, 9),
      secret_hash: hashSecret(secret),
      scopes: scopes === null ? null : JSON.stringify(scopes),
      expires_at: expiresInDays === null ? null : this.db.raw('now() + make_interval(days => ?)', [expiresInDays]),
    }
    const [stored] = await this.db('api_keys').insert(row).returning('*')
    return { ...asApiKey(stored), secret }
  }

  async revokeApiKey(orgId: OrgId, userId: UserId, id: ApiKeyId): Promise<boolean> {
    const changed = await this.db('api_keys')
      .where({ id, org_id: orgId, user_id: userId })
      .whereNull('revoked_at')
      .update({ revoked_at: this.db.fn.now() })
    return changed === 1
  }
}
