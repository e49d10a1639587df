import type { Knex } from 'knex'
import webPush from 'web-push'
import { type SealingKeys, seal, unseal } from '../secrets/seal.ts'

export interface VapidKeys {
  publicKey: string
  privateKey: string
}

const place = { orgId: 'installation', table: 'installation', column: 'value', row: 'vapid' }

/** The installation's keys for web push: made by whoever asks first, the same for every replica and for ever. */
export async function vapidKeys(db: Knex, sealing: SealingKeys): Promise<VapidKeys> {
  const read = () => db('installation').where({ key: 'vapid' }).first('value')
  let found = await read()
  if (found === undefined) {
    const { publicKey, privateKey } = webPush.generateVAPIDKeys()
    const value = JSON.stringify({ publicKey, privateKey: seal(sealing, place, privateKey) })
    await db('installation').insert({ key: 'vapid', value }).onConflict('key').ignore()
    found = await read()
  }
  const { publicKey, privateKey } = found.value as VapidKeys
  return { publicKey, privateKey: unseal(sealing, place, privateKey) }
}
