import type { Endpoint } from '@helix/contract/endpoint'
import { publicEndpoints } from '@helix/contract/endpoints'
import type { Request } from 'express'
import type { Actor } from '../http/mount.ts'
import type { AuditEntry } from './store.ts'
import type { Before } from './target/store.ts'

const names = new Map<Endpoint, string>([...publicEndpoints].map(([name, endpoint]) => [endpoint, name]))

/** Moved by looking at a page and not by a person's will. */
const quiet = new Set([
  'readInboxItem',
  'snoozeInboxItem',
  'addPushDevice',
  'checkProviders',
  'checkProvider',
  'checkOwnProvider',
  'checkMcpServer',
])

/** Fields that say who may do what: what they were set to is kept. Texts, prompts and secrets are in none of them. */
const told = [
  ...[
    'role',
    'visibility',
    'scopes',
    'expiresInDays',
    'registration',
    'allowedDomains',
    'enabled',
    'kind',
    'issuer',
    'groupClaim',
    'groupRoles',
  ],
  ...[
    'defaultRole',
    'emails',
    'teamIds',
    'memberIds',
    'userId',
    'organisationId',
    'labels',
    'weight',
    'status',
    'verdict',
    'commit',
    'events',
    'models',
    'regions',
    'ownKeys',
    'maskSecrets',
    'allowedModels',
    'region',
    'allowedTools',
    'deniedTools',
  ],
  ...['period', 'unit', 'limit', 'was'],
]

/** What was set to what, and the names of the fields that were given. */
function detailsOf(endpoint: Endpoint, body: Record<string, unknown>, before: Before, actor: Actor): Record<string, unknown> {
  const given = Object.entries(body).filter(([, value]) => value !== undefined)
  const values = Object.fromEntries(given.filter(([name]) => told.includes(name)))
  const others = given.map(([name]) => name).filter((name) => !told.includes(name))
  const changes = endpoint.method === 'PATCH' || endpoint.method === 'PUT'
  return {
    ...values,
    ...(typeof body.role === 'string' && before.role !== undefined && before.role !== body.role ? { was: before.role } : {}),
    ...(changes && others.length > 0 ? { fields: others } : {}),
    ...(actor.key === undefined ? {} : { key: actor.key.prefix }),
  }
}

/** The last id of the path is what the call is about: `/tasks/:taskId/comments/:commentId` is about the comment. */
export function idOf(endpoint: Endpoint, params: Record<string, unknown>): { kind: string; id: string } | null {
  const param = endpoint.path
    .match(/:([A-Za-z]+)/g)
    ?.at(-1)
    ?.slice(1)
  const id = param === undefined ? undefined : params[param]
  return param?.endsWith('Id') && typeof id === 'string' ? { kind: param.slice(0, -2), id } : null
}

function targetOf(
  endpoint: Endpoint,
  params: Record<string, unknown>,
  answer: unknown,
  before: Before,
): NonNullable<AuditEntry['target']> | null {
  const made = answer as { id?: unknown; name?: unknown; title?: unknown } | null
  const name = [made?.title, made?.name].find((text): text is string => typeof text === 'string')
  const named = idOf(endpoint, params)
  if (named !== null) {
    // What a POST to a list made is the target, not the list's owner.
    const creates =
      endpoint.method === 'POST' && !endpoint.path.endsWith(`:${named.kind}Id`) && typeof made?.id === 'string' && made.id !== named.id
    if (!creates) return { ...named, name: made?.id === named.id ? (name ?? before.name) : (before.name ?? name) }
  }
  return typeof made?.id === 'string' ? { kind: made.id.split('_')[0] ?? 'thing', id: made.id, name } : null
}

/** Whether a call of this endpoint is kept when it succeeds. */
export const isAudited = (endpoint: Endpoint): boolean =>
  endpoint.method !== 'GET' && names.has(endpoint) && !quiet.has(names.get(endpoint) ?? '')

/** The audit entry of a successful call that changed something; null where nothing is to be kept. */
export function auditOf(
  endpoint: Endpoint,
  call: { params: unknown; body: unknown; actor: Actor; requestId: string; request: Request },
  answer: unknown,
  before: Before,
): AuditEntry | null {
  const action = names.get(endpoint)
  if (action === undefined || !isAudited(endpoint)) return null
  const { actor, request } = call
  return {
    orgId: actor.orgId,
    actorId: actor.userId,
    actorName: actor.userName,
    via: actor.via,
    action,
    target: targetOf(endpoint, call.params as Record<string, unknown>, answer, before),
    details: detailsOf(endpoint, (call.body ?? {}) as Record<string, unknown>, before, actor),
    projectId: actor.projectId,
    requestId: call.requestId,
    address: request.ip ?? null,
    userAgent: request.header('user-agent') ?? null,
  }
}
