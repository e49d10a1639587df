import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { HostId, SessionId } from '@helix/contract/ids'
import type { StreamClaims, StreamKey } from '@helix/contract/stream-tickets'

/** A control plane’s part in tickets, for tests and proofs. */
export class TicketMaker {
  private readonly pair = generateKeyPairSync('ed25519')
  readonly kid: string

  constructor(kid = 'one') {
    this.kid = kid
  }

  get publicKey(): StreamKey {
    return { id: this.kid, key: this.pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64url') }
  }

  make(claims: Partial<StreamClaims> & { hostId: HostId; sessionId: SessionId }): string {
    const whole: StreamClaims = {
      jti: randomBytes(16).toString('base64url'),
      kid: this.kid,
      epoch: 1,
      userId: 'usr_ada',
      name: 'Ada',
      right: 'control',
      exp: Math.floor(Date.now() / 1000) + 30,
      ...claims,
    }
    return this.sign(`v1.${Buffer.from(JSON.stringify(whole)).toString('base64url')}`)
  }

  sign(text: string): string {
    return `${text}.${sign(null, Buffer.from(text), this.pair.privateKey).toString('base64url')}`
  }
}
