import type { OrgId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import type { Role } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { hashSecret, newSecret } from './hashing.ts'

/** What a bearer token opens. */
export type Bearer =
  | { kind: 'session'; orgId: OrgId; sessionId: SessionId; taskId: TaskId | null; epoch: number }
  | {
      kind: 'api_key'
      orgId: OrgId
      userId: UserId
      userName: string
      role: Role
      scopes: readonly string[] | null
      key: { prefix: string; expiresAt: Date | null }
    }

async function sessionOf(db: Knex, hash: string): Promise<Bearer | null> {
  const row = await db('session_tokens as t')
    .join('agent_sessions as s', 's.id', 't.session_id')
    .where({ 't.token_hash': hash })
    .whereNull('t.revoked_at')
    .whereNot('s.state', 'stopped')
    .first('t.org_id', 't.session_id', 't.epoch', 's.task_id')
  if (row === undefined) return null
  return { kind: 'session', orgId: row.org_id, sessionId: row.session_id, taskId: row.task_id, epoch: row.epoch }
}

async function apiKeyOf(db: Knex, hash: string): Promise<Bearer | null> {
  const row = await db('api_keys as k')
    .join('memberships as m', (join) => join.on('m.org_id', 'k.org_id').andOn('m.user_id', 'k.user_id'))
    .join('users as u', 'u.id', 'k.user_id')
    .where({ 'k.secret_hash': hash })
    .whereNull('k.revoked_at')
    .whereNull('m.deactivated_at')
    .andWhereRaw('(k.expires_at is null or k.expires_at > now())')
    .first(
      ...['k.id', 'k.org_id', 'k.user_id', 'k.scopes', 'k.prefix', 'k.expires_at', 'm.role', 'u.name'],
      db.raw("coalesce(k.last_used_at < now() - interval '1 minute', true) as long_unused"),
    )
  if (row === undefined) return null
  if (row.long_unused) await db('api_keys').where({ id: row.id }).update({ last_used_at: db.fn.now() })
  return {
    kind: 'api_key',
    orgId: row.org_id,
    userId: row.user_id,
    userName: row.name,
    role: row.role,
    scopes: row.scopes,
    key: { prefix: row.prefix, expiresAt: row.expires_at },
  }
}

/** Null for unknown, revoked and stopped alike. */
export async function resolveBearer(db: Knex, token: string): Promise<Bearer | null> {
  const hash = hashSecret(token)
  if (token.startsWith('hs_')) return sessionOf(db, hash)
  if (token.startsWith('hx_')) return apiKeyOf(db, hash)
  return null
}

/** It opened something once: a session's, replaced or revoked. */
export async function wasSessionToken(db: Knex, token: string): Promise<boolean> {
  return (
    (await db('session_tokens')
      .where({ token_hash: hashSecret(token) })
      .first('session_id')) !== undefined
  )
}

/** A session has one live token: a new one ends the older. `first`: there is no older one. */
export async function mintSessionToken(
  trx: Knex,
  input: { orgId: OrgId; sessionId: SessionId; epoch: number; first?: boolean },
): Promise<string> {
  if (input.first !== true) await revokeSessionTokens(trx, input.sessionId)
  const token = newSecret('hs_')
  await trx('session_tokens').insert({
    token_hash: hashSecret(token),
    org_id: input.orgId,
    session_id: input.sessionId,
    epoch: input.epoch,
  })
  return token
}

export async function revokeSessionTokens(trx: Knex, sessionId: SessionId): Promise<void> {
  await trx('session_tokens').where({ session_id: sessionId }).whereNull('revoked_at').update({ revoked_at: trx.fn.now() })
}
