import type { getSecurity } from '@helix/contract/account'
import type { ResponseOf } from '@helix/contract/endpoint'
import type { OrgId, UserId } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { orphaned } from '../../hosts/answerable.ts'
import { hashSecret } from '../hashing.ts'
import { placeholderEmail } from '../store.ts'

/** What guards an account, and the rights that end with it. */
export class SecurityStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  async of(userId: UserId, token: string | null): Promise<ResponseOf<typeof getSecurity>> {
    const user = await this.db('users').where({ id: userId }).first('two_factor_enabled')
    const passkeys = await this.db('passkeys').where({ user_id: userId }).orderBy('created_at')
    const sessions = await this.db('browser_sessions')
      .where({ user_id: userId })
      .andWhereRaw('expires_at > now()')
      .orderBy('updated_at', 'desc')
    const own = token === null ? null : hashSecret(token)
    return {
      twoFactor: user?.two_factor_enabled ?? false,
      passkeys: passkeys.map((row) => ({ id: row.id, name: row.name ?? 'Passkey', createdAt: row.created_at?.toISOString() ?? null })),
      sessions: sessions.map((row) => ({
        id: row.id,
        current: row.token === own,
        address: row.ip_address || null,
        device: row.user_agent ?? '',
        createdAt: row.created_at.toISOString(),
        lastSeenAt: row.updated_at.toISOString(),
      })),
    }
  }

  async rename(userId: UserId, name: string): Promise<void> {
    await this.db('users').where({ id: userId }).update({ name, updated_at: this.db.fn.now() })
  }

  /** Gives the installation's first administrator an address for the one nobody can write to. False: it is somebody else's account. */
  async settle(userId: UserId, email: string): Promise<boolean> {
    const query = this.db('users').where({ id: userId, email: placeholderEmail })
    return query.update({ email, updated_at: this.db.fn.now() }).then(
      (changed) => changed === 1,
      (error: { code?: string }) => {
        if (error.code === '23505') return false
        throw error
      },
    )
  }

  /** A session that a connection opened works in the connection's organisation. */
  async beginIn(trx: Knex, sessionId: string, orgId: OrgId): Promise<void> {
    await trx('browser_sessions').where({ id: sessionId }).update({ org_id: orgId })
  }

  async removePasskey(userId: UserId, id: string): Promise<boolean> {
    return (await this.db('passkeys').where({ id, user_id: userId }).delete()) === 1
  }

  async endSession(userId: UserId, id: string): Promise<boolean> {
    return (await this.db('browser_sessions').where({ id, user_id: userId }).delete()) === 1
  }

  async endOthers(userId: UserId, token: string | null): Promise<number> {
    return this.db('browser_sessions')
      .where({ user_id: userId })
      .whereNot('token', token === null ? '' : hashSecret(token))
      .delete()
  }

  /** What runs in this person's name loses its tokens, and says why. */
  async endWork(trx: Knex, orgId: OrgId, userId: UserId): Promise<void> {
    const running = trx('agent_sessions').where({ org_id: orgId, started_by: userId }).select('id')
    await trx('session_tokens').whereIn('session_id', running).whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
    const person = await trx('users').where({ id: userId }).first('name')
    await trx('agent_sessions')
      .where({ org_id: orgId, started_by: userId })
      .whereNot('state', 'stopped')
      .update({ reason: orphaned(person?.name ?? 'The person') })
  }

  /** Takes every right in the organisation at once, also from what runs in this person's name. */
  async deactivate(trx: Knex, orgId: OrgId, userId: UserId): Promise<void> {
    await trx('memberships').where({ org_id: orgId, user_id: userId }).update({ deactivated_at: trx.fn.now() })
    await trx('browser_sessions').where({ org_id: orgId, user_id: userId }).delete()
    await trx('api_keys').where({ org_id: orgId, user_id: userId }).whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
    await this.endWork(trx, orgId, userId)
  }

  async isDeactivated(trx: Knex, orgId: OrgId, userId: UserId): Promise<boolean> {
    const row = await trx('memberships').where({ org_id: orgId, user_id: userId }).whereNotNull('deactivated_at').first('org_id')
    return row !== undefined
  }

  async reactivate(trx: Knex, orgId: OrgId, userId: UserId): Promise<boolean> {
    return (await trx('memberships').where({ org_id: orgId, user_id: userId }).update({ deactivated_at: null })) === 1
  }

  async insertService(trx: Knex, orgId: OrgId, id: UserId, name: string, role: string): Promise<void> {
    await trx('users').insert({ id, email: `${id}@service.invalid`, name, kind: 'service' })
    await trx('memberships').insert({ org_id: orgId, user_id: id, role })
  }

  /** Null: no service account of this organisation. */
  async roleOfService(orgId: OrgId, userId: UserId): Promise<Role | null> {
    const row = await this.db('memberships as m')
      .join('users as u', 'u.id', 'm.user_id')
      .where({ 'm.org_id': orgId, 'u.id': userId, 'u.kind': 'service' })
      .first('m.role')
    return row?.role ?? null
  }
}
