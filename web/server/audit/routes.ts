import { type AuditEntry, auditExportPath, auditFormats, auditQuery, listAudit } from '@helix/contract/audit'
import { HelixError } from '@helix/contract/errors'
import { idSchema } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import { type Response, Router } from 'express'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { mount } from '../http/mount.ts'
import { resolveActor } from '../identity/principal.ts'
import { readAudit } from './log/store.ts'
import { recordAudit } from './store.ts'

const batch = 500
const columns = [
  'at',
  'actor',
  'actorId',
  'via',
  'action',
  'targetKind',
  'targetId',
  'targetName',
  'projectId',
  'address',
  'requestId',
  'userAgent',
  'details',
]

/** A cell that a spreadsheet would take for a formula is made text. */
const cell = (value: string | null | undefined): string => `"${(value ?? '').replace(/^([=+\-@\t\r])/, "'$1").replaceAll('"', '""')}"`

const csvOf = (one: AuditEntry): string =>
  [
    one.at,
    one.actorName,
    one.actor?.id,
    one.via,
    one.action,
    one.target?.kind,
    one.target?.id,
    one.target?.name,
    one.projectId,
    one.address,
    one.requestId,
    one.userAgent,
    JSON.stringify(one.details),
  ]
    .map(cell)
    .join(',')

async function write(response: Response, text: string): Promise<void> {
  if (!response.write(text)) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
}

export function auditRoutes(context: Context): Router {
  const router = Router()

  mount(router, context, listAudit, async ({ actor, query }) => {
    const cursor = idSchema('audit').optional().safeParse(query.cursor)
    if (!cursor.success) throw new HelixError('invalid_request', 'cursor: not one that this list gave', { fields: { cursor: 'unknown' } })
    const found = await readAudit(context.db, actor.orgId, query, cursor.data, query.limit + 1)
    const items = found.slice(0, query.limit)
    return { items, nextCursor: found.length > items.length ? (items.at(-1)?.id ?? null) : null }
  })

  router.get(auditExportPath, async (request, response) => {
    const actor = await resolveActor(context, request)
    if (actor === null) throw new HelixError('not_signed_in')
    if (!roleGrants(actor.orgRole, 'audit:read') || (actor.scopes !== null && !actor.scopes.includes('audit:read')))
      throw new HelixError('forbidden', 'You need admin in this organisation.')
    const { format, ...filter } = auditQuery.extend({ format: z.enum(auditFormats).default('csv') }).parse(request.query)
    const { orgId, userId, userName, via } = actor
    await recordAudit(context.db, {
      orgId,
      actorId: userId,
      actorName: userName,
      via,
      action: 'exportAudit',
      details: { ...filter, format, ...(actor.key === undefined ? {} : { key: actor.key.prefix }) },
      requestId: request.id,
      address: request.ip ?? null,
      userAgent: request.header('user-agent') ?? null,
    })
    response.setHeader('content-type', format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson')
    response.setHeader('content-disposition', `attachment; filename="audit.${format}"`)
    response.setHeader('cache-control', 'no-store')
    if (format === 'csv') await write(response, `${columns.join(',')}\r\n`)
    for (let before: string | undefined; !response.destroyed; ) {
      const entries = await readAudit(context.db, orgId, filter, before, batch)
      for (const one of entries) await write(response, format === 'csv' ? `${csvOf(one)}\r\n` : `${JSON.stringify(one)}\n`)
      before = entries.at(-1)?.id
      if (entries.length < batch) break
    }
    response.end()
  })
  return router
}
