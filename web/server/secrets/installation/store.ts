import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { type SealingKeys, seal, unseal } from '../seal.ts'

type Installation = { db: Knex; sealing: SealingKeys }

/**
 * A secret of the installation under this name: made by whoever asks first, sealed at rest, and the same for every replica and after the keys that
 * seal it have been rotated.
 */
export async function installationSecret({ db, sealing }: Installation, name: string): Promise<string> {
  const place = { orgId: 'installation', table: 'installation', column: 'value', row: name }
  const made = seal(sealing, place, randomBytes(32).toString('base64url'))
  await db('installation')
    .insert({ key: name, value: JSON.stringify({ sealed: made }) })
    .onConflict('key')
    .ignore()
  const row = await db('installation').where({ key: name }).first('value')
  return unseal(sealing, place, (row.value as { sealed: string }).sealed)
}

export const signInSecret = (installation: Installation): Promise<string> => installationSecret(installation, 'sign_in_secret')

/** Throws where this database was sealed with keys that are not configured: without them nobody could sign in, and no secret would open. */
export async function requireSealingKeys(installation: Installation): Promise<void> {
  await signInSecret(installation).catch((cause: unknown) => {
    const way = 'set the key with which this database was used before, alone, or behind a newer one as in "1:<new secret>,0:<old secret>"'
    throw new Error(`HELIX_ENCRYPTION_KEY does not open what this database holds: ${way}`, { cause })
  })
}
