import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'

/**
 * What hosts and control plane say to each other. A control plane takes hosts of its own number and of the one before; hosts that tell none speak 1.
 * Fields that one side does not know are left out by it.
 */
export const hostProtocol = 2
export const oldestHostProtocol = 1

/** Null: it is understood. Else what to upgrade; short enough for the close of a WebSocket. */
export function protocolRefusal(given: number): string | null {
  if (given > hostProtocol) return `this host speaks protocol ${given}, the control plane ${hostProtocol}: upgrade the control plane first`
  if (given < oldestHostProtocol) return `this host speaks protocol ${given}, ${oldestHostProtocol} is the oldest known: upgrade this host`
  return null
}

/** Made by the host out of 256 bits of chance, so that a repeated enrolment or rotation is the same one. Kept as a hash by the control plane. */
export const hostCredential = z.string().regex(/^hxh_[A-Za-z0-9_-]{43}$/, 'expected hxh_ and 32 bytes in base64url')

/** Units: seconds. The credential before the last rotation still opens for this long. */
export const oldCredentialSeconds = 600

export const enrolHost = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/hosts/enrol',
  permission: 'enrolment',
  summary: 'Give a sandbox host a credential of its own, in exchange for the shared runner token',
  body: z.object({
    hostId: idSchema('host'),
    name: z.string().min(1).max(200),
    version: z.string().max(50),
    protocol: z.number().int(),
    credential: hostCredential,
  }),
  response: z.object({ hostId: idSchema('host') }),
  /** The host has a credential that lives, or this one was revoked. */
  errors: ['conflict'],
})

export const rotateCredential = defineEndpoint({
  method: 'POST',
  path: '/internal/v1/hosts/:hostId/credential',
  permission: 'runner',
  summary: 'Replace the host’s credential; the old one opens for ten minutes more',
  params: z.object({ hostId: idSchema('host') }),
  body: z.object({ credential: hostCredential }),
  errors: ['conflict'],
})
