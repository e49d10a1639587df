import { oldCredentialSeconds } from '@helix/contract/enrolment'
import type { HostId, SessionId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { eventsChannel } from '../../events/store.ts'
import { hashSecret } from '../../identity/hashing.ts'

/** Units: minutes. How long an administrator's leave to enrol again holds. */
const leaveMinutes = 15

export type Enrolment = 'enrolled' | 'taken' | 'revoked'

export interface Enroller {
  hostId: HostId
  name: string
  credential: string
}

/** `credential` of each row: by the credentials it has or had; a host that never had one uses the token of all. */
export function credentialColumn(db: Knex, hosts: 'hosts' | 'h'): Knex.Raw {
  return db.raw(
    `(select case when count(*) = 0 then 'shared' when bool_or(c.revoked_at is null) then 'own' else 'revoked' end
      from host_credentials c where c.host_id = ??) as credential`,
    [`${hosts}.id`],
  )
}

/** The host's row under lock, so that of two who enrol it at once one is first. */
async function lockHost(trx: Knex, id: HostId): Promise<{ may_enrol: boolean } | null> {
  const row = await trx('hosts').where({ id }).forUpdate().first(trx.raw('coalesce(enrol_until > now(), false) as may_enrol'))
  return row ?? null
}

/** What opens the doors of hosts. Secrets are kept as hashes. */
export class HostCredentialStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** Whose it is while it opens; null: nobody's. */
  async hostOf(credential: string): Promise<{ hostId: HostId; hash: string } | null> {
    const hash = hashSecret(credential)
    const row = await this.db('host_credentials')
      .where({ secret_hash: hash, revoked_at: null })
      .andWhereRaw('(expires_at is null or expires_at > now())')
      .first('host_id')
    return row === undefined ? null : { hostId: row.host_id, hash }
  }

  /** One that was replaced has still opened the link that stands. */
  async revoked(hash: string): Promise<boolean> {
    return (await this.db('host_credentials').where({ secret_hash: hash, revoked_at: null }).first('host_id')) === undefined
  }

  /** True while the host speaks with the runner token of all: it never had a credential. */
  async shares(hostId: string): Promise<boolean> {
    return (await this.db('host_credentials').where({ host_id: hostId }).first('host_id')) === undefined
  }

  /** The same credential told again is the same enrolment. */
  async enrol({ hostId, name, credential }: Enroller): Promise<Enrolment> {
    const hash = hashSecret(credential)
    return this.db.transaction(async (trx) => {
      await trx('hosts').insert({ id: hostId, name }).onConflict('id').ignore()
      const host = await lockHost(trx, hostId)
      const known = await trx('host_credentials').where({ secret_hash: hash }).first('host_id', 'revoked_at', 'expires_at')
      if (known !== undefined) {
        if (known.host_id !== hostId || known.expires_at !== null) return 'taken'
        return known.revoked_at === null ? 'enrolled' : 'revoked'
      }
      const living = await trx('host_credentials').where({ host_id: hostId, revoked_at: null }).first('host_id')
      if (living !== undefined && host?.may_enrol !== true) return 'taken'
      await trx('host_credentials').where({ host_id: hostId, revoked_at: null }).update({ revoked_at: trx.fn.now() })
      await trx('host_credentials').insert({ secret_hash: hash, host_id: hostId })
      await trx('hosts').where({ id: hostId }).update({ name, enrol_until: null, rotation_asked_at: null })
      return 'enrolled'
    })
  }

  /** False: the credential is somebody's already. Told again, it is one rotation. */
  async rotate(hostId: HostId, credential: string): Promise<boolean> {
    const hash = hashSecret(credential)
    return this.db.transaction(async (trx) => {
      await lockHost(trx, hostId)
      const known = await trx('host_credentials').where({ secret_hash: hash }).first('host_id', 'revoked_at', 'expires_at')
      if (known !== undefined) return known.host_id === hostId && known.revoked_at === null && known.expires_at === null
      const living = trx('host_credentials').where({ host_id: hostId, revoked_at: null, expires_at: null })
      // Revoked while it asked.
      const replaced = await living.update({ expires_at: trx.raw('now() + make_interval(secs => ?)', [oldCredentialSeconds]) })
      if (replaced === 0) return false
      await trx('host_credentials').insert({ secret_hash: hash, host_id: hostId })
      await trx('hosts').where({ id: hostId }).update({ rotation_asked_at: null })
      return true
    })
  }

  async rotationAsked(hostId: HostId): Promise<boolean> {
    return (await this.db('hosts').where({ id: hostId }).whereNotNull('rotation_asked_at').first('id')) !== undefined
  }

  /** False: there is no such host. */
  async askRotation(hostId: HostId): Promise<boolean> {
    const found = await this.db('hosts').where({ id: hostId }).update({ rotation_asked_at: this.db.fn.now() })
    await this.tell(this.db, hostId)
    return found === 1
  }

  async allowEnrolment(hostId: HostId): Promise<boolean> {
    const until = this.db.raw('now() + make_interval(mins => ?)', [leaveMinutes])
    return (await this.db('hosts').where({ id: hostId }).update({ enrol_until: until })) === 1
  }

  /**
   * Nothing of the host opens any more, nor does anything of its sessions, which count as lost: they are placed elsewhere. A host that never enrolled
   * is shut out too. False: there is no such host.
   */
  async revoke(hostId: HostId): Promise<boolean> {
    return this.db.transaction(async (trx) => {
      if ((await lockHost(trx, hostId)) === null) return false
      await trx('host_credentials').where({ host_id: hostId, revoked_at: null }).update({ revoked_at: trx.fn.now() })
      // Marks the host as one that had a credential: the runner token does not speak for it either.
      await trx('host_credentials')
        .insert({ secret_hash: `none ${hostId}`, host_id: hostId, revoked_at: trx.fn.now() })
        .onConflict('secret_hash')
        .ignore()
      await trx('hosts').where({ id: hostId }).update({ last_seen_at: null, enrol_until: null, rotation_asked_at: null })
      const sessions: { id: SessionId }[] = await trx('agent_sessions').where({ host_id: hostId }).whereNot('state', 'stopped').select('id')
      await trx('session_tokens')
        .whereIn(
          'session_id',
          sessions.map(({ id }) => id),
        )
        .whereNull('revoked_at')
        .update({ revoked_at: trx.fn.now() })
      await this.tell(trx, hostId)
      return true
    })
  }

  /** Whoever holds its link looks again. */
  private async tell(db: Knex, hostId: HostId): Promise<void> {
    await db.raw(`select pg_notify('${eventsChannel}', ?)`, [`${hostId} 0`])
  }
}
