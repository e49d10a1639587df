import type { OrgId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Config } from '../../config.ts'
import { hashSecret } from '../hashing.ts'

export interface Registration {
  registration: 'open' | 'invited' | 'closed'
  allowedDomains: string[]
}

/** One person's one code, whichever browser sends it. Source: RFC 6238, section 5.2: a code is accepted once. */
export function codeKey(userId: UserId, code: string): string {
  return `second-factor ${hashSecret(`${userId} ${code}`)}`
}

/** Who may make an account on this installation. */
export class RegistrationStore {
  private readonly db: Knex
  private readonly initial: Registration['registration']

  constructor(db: Knex, config: Pick<Config, 'HELIX_REGISTRATION'>) {
    this.db = db
    this.initial = config.HELIX_REGISTRATION
  }

  async get(): Promise<Registration> {
    const row = await this.db('installation').where({ key: 'registration' }).first('value')
    return row === undefined ? { registration: this.initial, allowedDomains: [] } : (row.value as Registration)
  }

  async set(value: Registration): Promise<void> {
    await this.db('installation')
      .insert({ key: 'registration', value: JSON.stringify(value) })
      .onConflict('key')
      .merge(['value'])
  }

  /** The installation is administered from its first organisation. */
  async isHome(orgId: OrgId): Promise<boolean> {
    const row = await this.db('installation').where({ key: 'administrator' }).first('value')
    if (row === undefined) return false
    const member = await this.db('memberships').where({ user_id: row.value.userId }).orderBy('created_at').first('org_id')
    return member?.org_id === orgId
  }

  /** True the first time; codes are forgotten once they are worth nothing anyway. */
  async once(key: string): Promise<boolean> {
    await this.db('verifications').where('identifier', 'like', 'second-factor %').andWhereRaw('expires_at < now()').delete()
    const rows = await this.db('verifications')
      .insert({ id: key, identifier: key, value: '', expires_at: this.db.raw("now() + interval '5 minutes'") })
      .onConflict('id')
      .ignore()
      .returning('id')
    return rows.length === 1
  }
}
