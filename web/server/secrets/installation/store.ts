import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { type SealingKeys, seal, unseal } from '../seal.ts'

/**
 * A secret of the installation under this name: made by whoever asks first, sealed at rest, and the same for every replica and after the keys that
 * seal it have been rotated.
 */
export async function installationSecret({ db, sealing }: { db: Knex; sealing: SealingKeys }, name: string): Promise<string> {
  const place = { orgId: 'installation', table: 'installation', column: 'value', row: name }
  const made = seal(sealing, place, randomBytes(32).toString('base64url'))
  await db('installation')
    .insert({ key: name, value: JSON.stringify({ sealed: made }) })
    .onConflict('key')
    .ignore()
  const row = await db('installation').where({ key: name }).first('value')
  return unseal(sealing, place, (row.value as { sealed: string }).sealed)
}
