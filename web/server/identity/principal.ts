import type { IncomingHttpHeaders } from 'node:http'
import type { Request } from 'express'
import type { Knex } from 'knex'
import type { Context } from '../context.ts'
import type { Principal } from '../http/mount.ts'
import { hashSecret } from './hashing.ts'
import { resolveBearer } from './tokens.ts'

/** Units: days. */
export const sessionDays = 30

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

/** better-auth signs its cookies; the token before the dot is 256 bits of chance and needs no signature to be believed. */
export function sessionTokenOf(headers: IncomingHttpHeaders, secure: boolean): string | null {
  const value = cookieOf(headers, cookieName(secure))
  return value === null ? null : (value.split(/\.|%2E/i)[0] ?? null)
}

/** A session in use goes on; "last seen" is at most this old. Units: milliseconds. */
const seenEveryMs = 5 * 60_000

async function prolong(db: Knex, id: string): Promise<void> {
  await db('browser_sessions')
    .where({ id })
    .andWhereRaw('updated_at < now() - make_interval(secs => ?)', [seenEveryMs / 1000])
    .update({ updated_at: db.fn.now(), expires_at: db.raw('now() + make_interval(days => ?)', [sessionDays]) })
}

async function byCookie(db: Knex, token: string): Promise<Principal | null> {
  const row = await db('browser_sessions as b')
    .join('users as u', 'u.id', 'b.user_id')
    .join('memberships as m', (join) => join.on('m.org_id', 'b.org_id').andOn('m.user_id', 'b.user_id'))
    .where({ 'b.token': hashSecret(token) })
    .whereNull('m.deactivated_at')
    .andWhereRaw('b.expires_at > now()')
    .first('b.id as session_id', 'b.updated_at', 'u.id', 'u.name', 'b.org_id', 'm.role')
  if (row === undefined) return null
  if (Date.now() - row.updated_at.getTime() > seenEveryMs) await prolong(db, row.session_id)
  return { userId: row.id, userName: row.name, orgId: row.org_id, orgRole: row.role, via: 'cookie', scopes: null }
}

/** Who sent these headers: an API key when there is one, else the browser's cookie. Null for a stranger. */
export async function resolvePrincipal(context: Pick<Context, 'db' | 'config'>, headers: IncomingHttpHeaders): Promise<Principal | null> {
  const authorization = headers.authorization
  if (authorization !== undefined) {
    const bearer = authorization.startsWith('Bearer ') ? await resolveBearer(context.db, authorization.slice(7)) : null
    if (bearer?.kind !== 'api_key') return null
    return {
      userId: bearer.userId,
      userName: bearer.userName,
      orgId: bearer.orgId,
      orgRole: bearer.role,
      via: 'api_key',
      scopes: bearer.scopes,
      key: bearer.key,
    }
  }
  const token = sessionTokenOf(headers, context.config.secure)
  return token === null ? null : byCookie(context.db, token)
}

export function resolveActor(context: Pick<Context, 'db' | 'config'>, request: Pick<Request, 'headers'>): Promise<Principal | null> {
  return resolvePrincipal(context, request.headers)
}
