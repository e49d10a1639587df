import type { OrgId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { newId } from '../../context.ts'
import { hashSecret, newSecret } from '../../identity/hashing.ts'

const name = 'Playground'
/** Units: minutes. A page asks for another one before it ends. */
const livesMinutes = 15

/** One for each person: the one before ends. It may do nothing in the API: models alone take it. */
export async function createShortKey(db: Knex, orgId: OrgId, userId: UserId): Promise<{ secret: string; expiresAt: string }> {
  const secret = newSecret('hx_')
  return db.transaction(async (trx) => {
    await trx('api_keys').where({ org_id: orgId, user_id: userId, name, scopes: '[]' }).delete()
    const [row] = await trx('api_keys')
      .insert({
        ...{ id: newId('apiKey'), org_id: orgId, user_id: userId, name, prefix: secret.slice(0, 9), secret_hash: hashSecret(secret) },
        ...{ scopes: '[]', expires_at: trx.raw('now() + make_interval(mins => ?)', [livesMinutes]) },
      })
      .returning('expires_at')
    return { secret, expiresAt: row.expires_at.toISOString() }
  })
}
