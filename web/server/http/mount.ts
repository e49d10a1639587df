import type { BodyOf, Endpoint, ParamsOf, QueryOf, ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, UserId } from '@helix/contract/ids'
import { type OrgPermission, type Role, roleGrants, roleNeededFor } from '@helix/contract/permissions'
import express, { type Request, type Response, type Router } from 'express'
import { scopeOf } from '../access/scope.ts'
import { auditOf, idOf, isAudited } from '../audit/of-call.ts'
import { recordAudit } from '../audit/store.ts'
import { targetBefore } from '../audit/target/store.ts'
import type { Context } from '../context.ts'
import { requireHost } from '../hosts/credentials/caller.ts'
import { resolveActor } from '../identity/principal.ts'
import { sameSecret } from '../identity/same-secret.ts'
import { hashRequest, type Once, once } from './idempotency.ts'

/** Who asks, for endpoints with an organisation's permission. */
export interface Principal {
  userId: UserId
  userName: string
  orgId: OrgId
  /** In the organisation, before any grant on a project. */
  orgRole: Role
  via: 'cookie' | 'api_key'
  /** What an API key is limited to; null: all that the role grants. */
  scopes: readonly string[] | null
  /** The API key, when it is one. */
  key?: { prefix: string; expiresAt: Date | null }
}

/** A principal at the place that the path names. */
export interface Actor extends Principal {
  /** The role there: the organisation's, raised by grants on the project. */
  role: Role
  /** Of the path's project, task or session. */
  projectId: string | null
}

type ActorOf<E extends Endpoint> = E['permission'] extends OrgPermission ? Actor : undefined

export interface CallOf<E extends Endpoint> {
  params: ParamsOf<E>
  query: QueryOf<E>
  body: BodyOf<E>
  actor: ActorOf<E>
  requestId: string
  request: Request
  response: Response
}

/** Units: bytes. */
const defaultMaxBody = 256 * 1024

/** Service tokens only: a cookie on these paths is a mistake or an attack. */
function requireService(request: Request, expected: string): void {
  const given = request.header('authorization')?.replace(/^Bearer /, '') ?? ''
  if (request.headers.cookie !== undefined || !sameSecret(given, expected))
    throw new HelixError('not_signed_in', 'This path takes a service token only.')
}

async function actorOf(context: Context, endpoint: Endpoint, request: Request): Promise<Actor | undefined> {
  const { permission } = endpoint
  if (permission === 'public') return undefined
  if (permission === 'worker') return void requireService(request, context.config.HELIX_WORKER_TOKEN)
  if (permission === 'enrolment') return void requireService(request, context.config.HELIX_RUNNER_TOKEN)
  if (permission === 'runner') return void (await requireHost(context, request))
  return requireActor(context, permission, request)
}

/** For routes that are no JSON endpoints: who asks, when the permission is theirs where the path leads. Throws what `mount` answers otherwise. */
export async function requireActor(
  context: Context,
  permission: OrgPermission,
  request: Pick<Request, 'headers' | 'params'>,
): Promise<Actor> {
  const principal = await resolveActor(context, request)
  if (principal === null) throw new HelixError('not_signed_in')
  const { kind, role, projectId } = await scopeOf(context.db, principal, request.params)
  // What may not be seen answers like what is not there.
  if (role === null) throw new HelixError('not_found')
  if (!roleGrants(role, permission)) {
    const needed = roleNeededFor(permission)
    const where = kind === 'organisation' ? 'in this organisation' : `on this ${kind}`
    throw new HelixError('forbidden', `You need ${needed} ${where}; you are ${role}.`, { needed, role, permission })
  }
  if (principal.scopes !== null && !principal.scopes.includes(permission))
    throw new HelixError('forbidden', `This API key has no scope ${permission}.`, { permission })
  return { ...principal, role, projectId }
}

async function answer(
  context: Context,
  endpoint: Endpoint,
  call: CallOf<Endpoint>,
  handler: (call: never) => Promise<unknown>,
): Promise<Once<unknown>> {
  const key = call.request.header('idempotency-key')
  const { actor } = call as { actor: Actor | undefined }
  if (key === undefined || endpoint.method !== 'POST' || actor === undefined)
    return { answer: await handler(call as never), repeated: false }
  if (key.length === 0 || key.length > 200) throw new HelixError('invalid_request', 'Idempotency-Key must have 1 to 200 characters.')
  const scope = `${endpoint.method} ${call.request.path} ${actor.userId}`
  return once(context, { orgId: actor.orgId, scope, key, requestHash: hashRequest(call.body) }, () => handler(call as never))
}

/**
 * Mounts one endpoint of the contract: parses what comes in, asks the permission in one place, honours `Idempotency-Key`, and answers with what
 * the contract's schema lets through.
 */
export function mount<E extends Endpoint>(
  router: Router,
  context: Context,
  endpoint: E,
  handler: (call: CallOf<E>) => Promise<ResponseOf<E>>,
): void {
  const parser = express.json({ limit: endpoint.maxBodyBytes ?? defaultMaxBody, strict: true })
  const verb = endpoint.method.toLowerCase() as 'get' | 'post' | 'patch' | 'put' | 'delete'
  router[verb](endpoint.path, parser, async (request: Request, response: Response) => {
    const actor = await actorOf(context, endpoint, request)
    const call = {
      params: endpoint.params.parse(request.params),
      query: endpoint.query.parse(request.query),
      body: endpoint.body.parse(request.body ?? {}),
      actor,
      requestId: request.id,
      request,
      response,
    } as CallOf<Endpoint>
    const named = actor === undefined || !isAudited(endpoint) ? null : idOf(endpoint, call.params as Record<string, unknown>)
    const before = actor === undefined || named === null ? {} : await targetBefore(context.db, actor.orgId, named.kind, named.id)
    const { answer: result, repeated } = await answer(context, endpoint, call, handler as (call: never) => Promise<unknown>)
    // Twice sent is once done.
    const audited =
      actor === undefined || repeated
        ? null
        : auditOf(endpoint, { params: call.params, body: call.body, actor, requestId: request.id, request }, result, before)
    if (audited !== null) await recordAudit(context.db, audited)
    const answered = endpoint.response.safeParse(result)
    // Our own answer is wrong, not the request: an internal error with its cause in the log.
    if (!answered.success)
      throw new Error(`the answer of ${endpoint.method} ${endpoint.path} does not fit its contract: ${answered.error.message}`)
    response.json(answered.data)
  })
}
