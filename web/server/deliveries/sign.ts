import { createHmac, randomBytes } from 'node:crypto'

export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64url')}`

/** `x-helix-signature` of these raw bytes: the receiver computes the same and compares in constant time. `timestamp`: Unix seconds. */
export function signatureOf(secret: string, timestamp: number, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`
}
