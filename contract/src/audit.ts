import { z } from 'zod'
import { defineEndpoint, page } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { line, timestamp } from './text.ts'

export const auditEntry = z.object({
  id: idSchema('audit'),
  at: timestamp,
  /** Null for a stranger and for Helix itself. */
  actor: z.object({ id: idSchema('user'), name: z.string() }).nullable(),
  actorName: z.string(),
  via: z.enum(['cookie', 'api_key', 'system', 'none']),
  /** The operation’s name in the API, e.g. `approveSpec`. */
  action: z.string(),
  target: z.object({ kind: z.string(), id: z.string(), name: z.string().nullable() }).nullable(),
  projectId: idSchema('project').nullable(),
  details: z.record(z.string(), z.unknown()),
  requestId: z.string().nullable(),
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
})
export type AuditEntry = z.infer<typeof auditEntry>

/** All given conditions must hold. */
export const auditQuery = z.object({
  /** In names of actors, actions and targets, and in ids. */
  text: line(200).optional(),
  actorId: idSchema('user').optional(),
  action: line(80).optional(),
  projectId: idSchema('project').optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
})

export const listAudit = defineEndpoint({
  method: 'GET',
  path: '/api/v1/audit',
  permission: 'audit:read',
  summary: 'The audit log of the organisation, newest first: who did what to what from where',
  query: auditQuery.extend({ cursor: line(60).optional(), limit: z.coerce.number().int().min(1).max(200).default(50) }),
  response: page(auditEntry),
})

/** Where the export is read: the same conditions, `format=csv` or `ndjson`, streamed. */
export const auditExportPath = '/api/v1/audit/export'
export const auditFormats = ['csv', 'ndjson'] as const
