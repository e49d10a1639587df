import type { IncomingHttpHeaders } from 'node:http'
import type { Request } from 'express'
import type { Context } from '../context.ts'
import type { Principal } from '../http/mount.ts'
import { hashSecret } from './hashing.ts'
import { resolveBearer } from './tokens.ts'

/** `__Host-` binds a cookie to https and this very host; plain http (local mode) cannot carry it. */
export function cookieName(secure: boolean): string {
  return secure ? '__Host-helix' : 'helix'
}

export function cookieOf(headers: IncomingHttpHeaders, name: string): string | null {
  for (const part of headers.cookie?.split(';') ?? []) {
    const [key, value] = part.trim().split('=')
    if (key === name && value) return value
  }
  return null
}

async function byCookie(context: Pick<Context, 'db' | 'config'>, token: string): Promise<Principal | null> {
  const row = await context
    .db('browser_sessions as b')
    .join('users as u', 'u.id', 'b.user_id')
    .join('memberships as m', (join) => join.on('m.org_id', 'b.org_id').andOn('m.user_id', 'b.user_id'))
    .where({ 'b.token_hash': hashSecret(token) })
    .andWhereRaw('b.expires_at > now()')
    .first('u.id', 'u.name', 'b.org_id', 'm.role')
  return row === undefined
    ? null
    : { userId: row.id, userName: row.name, orgId: row.org_id, orgRole: row.role, via: 'cookie', scopes: null }
}

/** Who sent these headers: an API key when there is one, else the browser's cookie. Null for a stranger. */
export async function resolvePrincipal(context: Pick<Context, 'db' | 'config'>, headers: IncomingHttpHeaders): Promise<Principal | null> {
  const authorization = headers.authorization
  if (authorization !== undefined) {
    const bearer = authorization.startsWith('Bearer ') ? await resolveBearer(context.db, authorization.slice(7)) : null
    if (bearer?.kind !== 'api_key') return null
    const user = await context.db('users').where({ id: bearer.userId }).first('name')
    return { userId: bearer.userId, userName: user?.name ?? '', orgId: bearer.orgId, orgRole: bearer.role, via: 'api_key', scopes: null }
  }
  const token = cookieOf(headers, cookieName(context.config.secure))
  return token === null ? null : byCookie(context, token)
}

export function resolveActor(context: Pick<Context, 'db' | 'config'>, request: Request): Promise<Principal | null> {
  return resolvePrincipal(context, request.headers)
}
