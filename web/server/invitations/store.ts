import type { InvitationId, OrgId, TeamId, UserId } from '@helix/contract/ids'
import type { Invitation } from '@helix/contract/organisations'
import type { Role } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import { hashSecret, newSecret } from '../identity/hashing.ts'

/** Units: days. */
const validFor = 7

export interface OpenInvitation {
  id: InvitationId
  orgId: OrgId
  organisation: string
  email: string
  role: Role
  teamIds: TeamId[]
  invitedBy: string
  expiresAt: string
}

/** Invitations by e-mail. The link's token is stored hashed; what is used, expired or revoked is not found. */
export class InvitationStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  private select() {
    return this.db('invitations as i')
      .join('users as u', 'u.id', 'i.invited_by')
      .join('organisations as o', 'o.id', 'i.org_id')
      .whereNull('i.accepted_at')
      .whereNull('i.revoked_at')
      .select('i.*', 'u.name as invited_by_name', 'o.name as organisation')
  }

  async list(orgId: OrgId): Promise<Invitation[]> {
    const rows = await this.select().where({ 'i.org_id': orgId }).orderBy('i.created_at', 'desc')
    const teams = await this.db('teams').where({ org_id: orgId }).select('id', 'name')
    return rows.map((row) => ({
      id: row.id,
      email: row.email,
      role: row.role,
      teams: teams.filter(({ id }) => row.team_ids.includes(id)),
      invitedBy: row.invited_by_name,
      createdAt: row.created_at.toISOString(),
      expiresAt: row.expires_at.toISOString(),
    }))
  }

  /** An open invitation of the same address ends: the newest link counts. Answers the token, once. */
  async insert(
    trx: Knex,
    invitation: { orgId: OrgId; email: string; role: Role; teamIds: TeamId[]; invitedBy: UserId },
  ): Promise<{ id: InvitationId; token: string }> {
    const token = newSecret('hi_')
    const id = newId('invitation')
    await trx('invitations')
      .where({ org_id: invitation.orgId })
      .whereRaw('lower(email) = lower(?)', [invitation.email])
      .whereNull('accepted_at')
      .whereNull('revoked_at')
      .update({ revoked_at: trx.fn.now() })
    await trx('invitations').insert({
      id,
      org_id: invitation.orgId,
      email: invitation.email,
      role: invitation.role,
      team_ids: JSON.stringify(invitation.teamIds),
      token_hash: hashSecret(token),
      invited_by: invitation.invitedBy,
      expires_at: trx.raw('now() + make_interval(days => ?)', [validFor]),
    })
    return { id, token }
  }

  /** Null for unknown, used, expired and revoked alike. */
  async find(token: string): Promise<OpenInvitation | null> {
    const row = await this.select()
      .where({ 'i.token_hash': hashSecret(token) })
      .whereRaw('i.expires_at > now()')
      .first()
    if (row === undefined) return null
    return {
      id: row.id,
      orgId: row.org_id,
      organisation: row.organisation,
      email: row.email,
      role: row.role,
      teamIds: row.team_ids,
      invitedBy: row.invited_by_name,
      expiresAt: row.expires_at.toISOString(),
    }
  }

  async isInvited(userId: UserId): Promise<boolean> {
    const row = await this.select()
      .whereRaw('i.expires_at > now() and lower(i.email) = (select lower(email) from users where id = ?)', [userId])
      .first()
    return row !== undefined
  }

  /** Of two who use one link at once, one does. */
  async accept(trx: Knex, id: InvitationId, userId: UserId): Promise<boolean> {
    const changed = await trx('invitations')
      .where({ id })
      .whereNull('accepted_at')
      .whereNull('revoked_at')
      .update({ accepted_at: trx.fn.now(), accepted_by: userId })
    return changed === 1
  }

  /** The organisation this person joined by this link before, for a call that is repeated. */
  async acceptedBy(token: string, userId: UserId): Promise<OrgId | null> {
    const row = await this.db('invitations')
      .where({ token_hash: hashSecret(token), accepted_by: userId })
      .first('org_id')
    return row?.org_id ?? null
  }

  async revoke(trx: Knex, orgId: OrgId, id: InvitationId): Promise<boolean> {
    const changed = await trx('invitations')
      .where({ org_id: orgId, id })
      .whereNull('accepted_at')
      .whereNull('revoked_at')
      .update({ revoked_at: trx.fn.now() })
    return changed === 1
  }
}
