import { createHmac, hkdfSync } from 'node:crypto'
import type { SessionId } from '@helix/contract/ids'
import type { SealingKeys } from '../secrets/seal.ts'

/** A key of its own for a purpose, made of the installation's active secret. */
export function keyFor(keys: SealingKeys, purpose: string): Buffer {
  const secret = keys.byId.get(keys.active)
  if (secret === undefined) throw new Error('there is no active sealing key')
  return Buffer.from(hkdfSync('sha256', secret, '', `helix ${purpose}`, 32))
}

/** What opens the machine of one start of a session. After a rotation of the secret machines that run already open at their next start. */
export function machineToken(keys: SealingKeys, sessionId: SessionId, epoch: number): string {
  return createHmac('sha256', keyFor(keys, 'machine')).update(`${sessionId}|${epoch}`).digest('hex')
}
