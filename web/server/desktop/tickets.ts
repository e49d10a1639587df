import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { longestTicket, type StreamClaims, type StreamKey, streamClaims, streamTicketSeconds } from '@helix/contract/stream-tickets'
import type { SealingKeys } from '../secrets/seal.ts'

/** Before the 32 bytes of an Ed25519 private key in DER, see RFC 8410. */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')

/** What a ticket says beside what every ticket has. */
export type TicketFor = Omit<StreamClaims, 'jti' | 'kid' | 'exp'>

/**
 * Makes the tickets that open desktops. The keys come of the installation's secrets, so that every replica has the same: the active one signs, and hosts
 * verify with all of them.
 */
export class StreamTickets {
  private readonly active: string
  private readonly keys: ReadonlyMap<string, KeyObject>

  constructor({ active, byId }: SealingKeys) {
    this.active = active
    this.keys = new Map([...byId].map(([id, secret]) => [id, keyOf(secret)]))
  }

  /** For hosts. */
  get publicKeys(): StreamKey[] {
    return [...this.keys].map(([id, key]) => ({
      id,
      key: createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64url'),
    }))
  }

  make(of: TicketFor): { ticket: string; expiresAt: string } {
    const exp = Math.floor(Date.now() / 1000) + streamTicketSeconds
    const claims: StreamClaims = { ...of, jti: randomBytes(18).toString('base64url'), kid: this.active, exp }
    const signed = `v1.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
    const signature = sign(null, Buffer.from(signed), this.key(this.active))
    return { ticket: `${signed}.${signature.toString('base64url')}`, expiresAt: new Date(exp * 1000).toISOString() }
  }

  /** Whether it is one of ours that is not over; whether it was used before, only its host knows. */
  read(ticket: string): StreamClaims | null {
    if (ticket.length > longestTicket) return null
    const [version, body = '', signature = ''] = ticket.split('.')
    const claims = parse(body)
    if (version !== 'v1' || claims === null || claims.exp < Date.now() / 1000 || !this.keys.has(claims.kid)) return null
    const known = verify(null, Buffer.from(`v1.${body}`), createPublicKey(this.key(claims.kid)), Buffer.from(signature, 'base64url'))
    return known ? claims : null
  }

  private key(id: string): KeyObject {
    const key = this.keys.get(id)
    if (key === undefined) throw new Error('there is no active key for tickets')
    return key
  }
}

function keyOf(secret: Buffer): KeyObject {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'helix stream tickets', 32))
  return createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' })
}

function parse(body: string): StreamClaims | null {
  try {
    return streamClaims.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString())).data ?? null
  } catch {
    // Not JSON, so no ticket.
    return null
  }
}
