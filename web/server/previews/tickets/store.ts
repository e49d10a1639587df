import type { OrgId, SessionId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { hashSecret, newSecret } from '../../identity/hashing.ts'
import type { PreviewHost } from '../host-name.ts'

/** Units: seconds between the click and the preview. */
const ticketSeconds = 60

/** Tickets carry a person from our own host to a preview's, once. */
export const ticketStore = {
  async mint(db: Knex, { sessionId, port }: PreviewHost, orgId: OrgId, userId: UserId): Promise<string> {
    const secret = newSecret('hp')
    await db('preview_tickets').whereRaw("expires_at < now() - interval '1 hour'").delete()
    await db('preview_tickets').insert({
      secret_hash: hashSecret(secret),
      org_id: orgId,
      session_id: sessionId,
      port,
      user_id: userId,
      expires_at: db.raw('now() + make_interval(secs => ?)', [ticketSeconds]),
    })
    return secret
  },

  /** Whose it is; null for one that was used, is too old, or is for another preview. */
  async use(
    db: Knex,
    secret: string,
    { sessionId, port }: { sessionId: SessionId; port: number },
  ): Promise<{ userId: UserId; orgId: OrgId } | null> {
    const [row] = await db('preview_tickets')
      .where({ secret_hash: hashSecret(secret), session_id: sessionId, port })
      .andWhereRaw('expires_at > now()')
      .delete()
      .returning(['user_id', 'org_id'])
    return row === undefined ? null : { userId: row.user_id, orgId: row.org_id }
  },
}
