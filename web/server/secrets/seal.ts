import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** Where a sealed value stands; a value that is copied elsewhere does not open there. */
export interface Place {
  /** `installation` for what belongs to no organisation. */
  orgId: string
  table: string
  column: string
  row: string
}

/** Keys by id; the first one seals, all open. */
export interface SealingKeys {
  active: string
  byId: ReadonlyMap<string, Buffer>
}

/** `HELIX_ENCRYPTION_KEY`: one secret, or `id:secret` pairs with commas, the first of which is active. */
export function sealingKeysOf(setting: string): SealingKeys {
  const pairs = setting.split(',').map((part): [string, string] => {
    const named = /^([A-Za-z0-9]{1,16}):(.+)$/s.exec(part.trim())
    return named === null ? ['0', part.trim()] : [named[1] ?? '0', named[2] ?? '']
  })
  const byId = new Map(pairs.map(([id, secret]) => [id, Buffer.from(hkdfSync('sha256', secret, '', 'helix sealing', 32))]))
  return { active: pairs[0]?.[0] ?? '0', byId }
}

const aadOf = ({ orgId, table, column, row }: Place): Buffer => Buffer.from([orgId, table, column, row].join('|'))

/** AES-256-GCM: `v1:<key id>:<nonce>:<ciphertext and tag>`, base64url. */
export function seal(keys: SealingKeys, place: Place, plain: string): string {
  const key = keys.byId.get(keys.active)
  if (key === undefined) throw new Error('there is no active sealing key')
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aadOf(place))
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `v1:${keys.active}:${nonce.toString('base64url')}:${sealed.toString('base64url')}`
}

/** Throws when the value was changed, stands elsewhere, or its key is gone. */
export function unseal(keys: SealingKeys, place: Place, sealed: string): string {
  const [version, id = '', nonce = '', value = ''] = sealed.split(':')
  const key = keys.byId.get(id)
  if (version !== 'v1' || key === undefined) throw new Error(`a value sealed with key "${id}" cannot be opened: the key is not configured`)
  const bytes = Buffer.from(value, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url')).setAAD(aadOf(place))
  decipher.setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8')
}
