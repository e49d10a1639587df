import type { Endpoint } from '@helix/contract/endpoint'
import { publicEndpoints } from '@helix/contract/endpoints'
import type { Request } from 'express'
import type { Actor } from '../http/mount.ts'
import type { AuditEntry } from './store.ts'

const names = new Map<Endpoint, string>([...publicEndpoints].map(([name, endpoint]) => [endpoint, name]))

/** Moved by looking at a page and not by a person's will. */
const quiet = new Set(['readInboxItem', 'snoozeInboxItem', 'addPushDevice', 'checkProviders'])

/** The last id of the path is what the call is about: `/tasks/:taskId/comments/:commentId` is about the comment. */
function targetOf(endpoint: Endpoint, params: Record<string, unknown>, answer: unknown): NonNullable<AuditEntry['target']> | null {
  const made = answer as { id?: unknown; name?: unknown; title?: unknown } | null
  const name = [made?.title, made?.name].find((text): text is string => typeof text === 'string')
  const param = endpoint.path
    .match(/:([A-Za-z]+)/g)
    ?.at(-1)
    ?.slice(1)
  const id = param === undefined ? undefined : params[param]
  if (param !== undefined && typeof id === 'string' && param.endsWith('Id')) {
    // What a POST to a list made is the target, not the list's owner.
    const creates = endpoint.method === 'POST' && !endpoint.path.endsWith(`:${param}`) && typeof made?.id === 'string' && made.id !== id
    if (!creates) return { kind: param.slice(0, -2), id, name }
  }
  return typeof made?.id === 'string' ? { kind: made.id.split('_')[0] ?? 'thing', id: made.id, name } : null
}

/** The audit entry of a successful call that changed something; null where nothing is to be kept. */
export function auditOf(
  endpoint: Endpoint,
  call: { params: unknown; actor: Actor; requestId: string; request: Request },
  answer: unknown,
): AuditEntry | null {
  const action = names.get(endpoint)
  if (endpoint.method === 'GET' || action === undefined || quiet.has(action)) return null
  const { actor, request } = call
  return {
    orgId: actor.orgId,
    actorId: actor.userId,
    actorName: actor.userName,
    via: actor.via,
    action,
    target: targetOf(endpoint, call.params as Record<string, unknown>, answer),
    projectId: actor.projectId,
    requestId: call.requestId,
    address: request.ip ?? null,
    userAgent: request.header('user-agent') ?? null,
  }
}
