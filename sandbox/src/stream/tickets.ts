import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { HostId, SessionId } from '@helix/contract/ids'
import { longestTicket, type StreamClaims, type StreamKey, streamClaims, streamTicketSeconds } from '@helix/contract/stream-tickets'

/** Before the 32 bytes of an Ed25519 public key in DER, see RFC 8410. */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')
/** Units: seconds that clocks of the control plane and this host may differ by. */
const skewSeconds = 5
/** Tickets last half a minute: more that are remembered at once were not made by people. */
const mostRemembered = 50_000

/** Knows tickets by the control plane’s public keys alone, and takes each once. */
export class Tickets {
  private readonly hostId: HostId
  /** Units: unix seconds. */
  private readonly since: number
  private readonly used = new Map<string, number>()
  private keys = new Map<string, KeyObject>()

  /** `since`: unix milliseconds. Which tickets were used before that is not known, so older ones are refused. */
  constructor(hostId: HostId, since = Date.now()) {
    this.hostId = hostId
    this.since = Math.floor(since / 1000)
  }

  /** They replace those before. */
  trust(keys: readonly StreamKey[]): void {
    this.keys = new Map(keys.map(({ id, key }) => [id, publicKeyOf(key)]))
  }

  /** Takes the ticket; a string says why not, for people. `now`: unix milliseconds. */
  take(ticket: string, sessionId: SessionId, now = Date.now()): StreamClaims | string {
    const claims = this.read(ticket)
    if (claims === null) return 'This is no ticket of this installation.'
    if (claims.hostId !== this.hostId) return 'The ticket is of another host.'
    if (claims.sessionId !== sessionId) return 'The ticket is of another session.'
    const seconds = now / 1000
    if (claims.exp + skewSeconds < seconds) return 'The ticket is over.'
    if (claims.exp - streamTicketSeconds < this.since) return 'The host was started anew since the ticket was made.'
    if (this.used.has(claims.jti)) return 'The ticket was used before.'
    this.forget(seconds)
    if (this.used.size >= mostRemembered) return 'Too many tickets were used just now.'
    this.used.set(claims.jti, claims.exp)
    return claims
  }

  private read(ticket: string): StreamClaims | null {
    if (ticket.length > longestTicket) return null
    const [version, body = '', signature = '', more] = ticket.split('.')
    if (version !== 'v1' || more !== undefined) return null
    const claims = parse(Buffer.from(body, 'base64url').toString())
    const key = claims === null ? undefined : this.keys.get(claims.kid)
    if (key === undefined) return null
    return verify(null, Buffer.from(`v1.${body}`), key, Buffer.from(signature, 'base64url')) ? claims : null
  }

  private forget(seconds: number): void {
    for (const [jti, exp] of this.used) {
      // They were added in the order of their ends, nearly.
      if (exp + 2 * skewSeconds >= seconds) return
      this.used.delete(jti)
    }
  }
}

function publicKeyOf(key: string): KeyObject {
  return createPublicKey({ key: Buffer.concat([spkiHead, Buffer.from(key, 'base64url')]), format: 'der', type: 'spki' })
}

function parse(text: string): StreamClaims | null {
  try {
    return streamClaims.safeParse(JSON.parse(text)).data ?? null
  } catch {
    // Not JSON, so no ticket.
    return null
  }
}
