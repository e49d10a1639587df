import type { UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'

/** Where mail to this person goes. */
export async function emailOf(db: Knex, userId: UserId): Promise<string> {
  return (await db('users').where({ id: userId }).first('email'))?.email ?? ''
}
