import type { OrgId, UserId } from '@helix/contract/ids'
import { wellFormedJson } from '@helix/contract/text'
import type { Knex } from 'knex'
import { newId } from '../context.ts'

/** Who did what to what, from where. Never holds prompts, texts or secrets: `details` are names, ids and old and new values of settings. */
export interface AuditEntry {
  orgId: OrgId | null
  actorId: UserId | null
  /** As the actor was called then. */
  actorName: string
  via: 'cookie' | 'api_key' | 'system' | 'none'
  /** The operation's name in the API, or a word of the same kind: `signInFailed`. */
  action: string
  target?: { kind: string; id: string; name?: string | undefined } | null
  projectId?: string | null
  details?: Record<string, unknown>
  requestId?: string | null
  address?: string | null
  userAgent?: string | null
}

const short = (text: string | null | undefined): string | null => text?.slice(0, 300) ?? null

export async function recordAudit(trx: Knex, entry: AuditEntry): Promise<void> {
  await trx('audit_log').insert({
    id: newId('audit'),
    org_id: entry.orgId,
    actor_id: entry.actorId,
    actor_name: entry.actorName.slice(0, 300),
    via: entry.via,
    action: entry.action,
    target_kind: entry.target?.kind ?? null,
    target_id: entry.target?.id ?? null,
    target_name: short(entry.target?.name),
    project_id: entry.projectId ?? null,
    details: JSON.stringify(wellFormedJson(entry.details ?? {})),
    request_id: entry.requestId ?? null,
    address: short(entry.address),
    user_agent: short(entry.userAgent),
  })
}
