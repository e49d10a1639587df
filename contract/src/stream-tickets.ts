import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { timestamp } from './text.ts'

/** What a ticket says: `v1.<base64url of this as JSON>.<base64url of the Ed25519 signature over what stands before the second dot>`. */
export const streamClaims = z.object({
  /** Of the ticket: it opens one connection. */
  jti: z.string().min(16).max(64),
  /** Which key signed. */
  kid: z.string().min(1).max(64),
  hostId: idSchema('host'),
  sessionId: idSchema('session'),
  /** Of the session’s start. */
  epoch: z.number().int().min(0),
  userId: z.string().min(1).max(64),
  /** The person’s, for the other viewers. */
  name: z.string().max(200),
  right: z.enum(['view', 'control']),
  /** Units: unix seconds. */
  exp: z.number().int(),
})
export type StreamClaims = z.infer<typeof streamClaims>

/** Units: seconds. */
export const streamTicketSeconds = 30
/** Units: characters. */
export const longestTicket = 2000

/** A public key that tickets are verified with. `key`: the 32 bytes, base64url. */
export const streamKey = z.object({ id: z.string().min(1).max(64), key: z.string().length(43) })
export type StreamKey = z.infer<typeof streamKey>

/** Somebody who looks at a desktop. */
export const streamSeat = z.object({ sessionId: idSchema('session'), userId: z.string().max(64), right: z.enum(['view', 'control']) })
export type StreamSeat = z.infer<typeof streamSeat>

/** Where a host is reached by viewers. */
export const streamAddress = z.object({
  /** Absent: none yet; viewers come through the control plane. */
  port: z.number().int().min(1).max(65_535).optional(),
  /** Its public origin, `https://…`; absent: it has none. */
  url: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .optional(),
})
export type StreamAddress = z.infer<typeof streamAddress>

export const openDesktop = defineEndpoint({
  method: 'POST',
  path: '/api/v1/sessions/:sessionId/desktop-tickets',
  permission: 'task:read',
  summary:
    'A ticket that opens the desktop of a running session once, within 30 seconds; `control` asks for what steering the session asks for',
  params: z.object({ sessionId: idSchema('session') }),
  body: z.object({
    /** Absent: the most that the caller may. */
    right: z.enum(['view', 'control']).optional(),
  }),
  response: z.object({
    ticket: z.string(),
    expiresAt: timestamp,
    right: z.enum(['view', 'control']),
    /** In the order to try them. */
    urls: z.array(z.object({ /** `wss://…` */ url: z.string(), kind: z.enum(['direct', 'relayed']) })).min(1),
  }),
  errors: ['machine_unavailable', 'conflict'],
})
