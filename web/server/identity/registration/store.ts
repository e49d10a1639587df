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

  /** The installation's first organisation, from which it is administered; whoever leaves it takes nothing of that along. */
  async home(): Promise<OrgId | null> {
    const row = await this.db('installation').where({ key: 'administrator' }).first('value')
    if (row === undefined) return null
    if (row.value.orgId !== undefined) return row.value.orgId
    // Installed before the organisation was noted: it is now, while its administrator is in it.
    const member = await this.db('memberships').where({ user_id: row.value.userId }).orderBy('created_at').first('org_id')
    if (member === undefined) return null
    const value = JSON.stringify({ ...row.value, orgId: member.org_id })
    await this.db('installation').where({ key: 'administrator' }).update({ value })
    return member.org_id
  }

  async isHome(orgId: OrgId): Promise<boolean> {
    return (await this.home()) === orgId
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
