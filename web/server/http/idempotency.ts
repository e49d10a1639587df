import { createHash } from 'node:crypto'
import { HelixError } from '@helix/contract/errors'
import type { OrgId } from '@helix/contract/ids'
import type { Context } from '../context.ts'
import { seal, unseal } from '../secrets/seal.ts'

export interface Claim {
  orgId: OrgId
  /** Method and path pattern, with the caller. */
  scope: string
  key: string
  requestHash: string
}

export function hashRequest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}

export interface Once<T> {
  answer: T
  /** The work was done before, by the request that this one repeats. */
  repeated: boolean
}

/**
 * Runs `work` once per key. A repetition gets the first answer; the same key for another request is refused; a first try that is still under
 * way, or died, is waited out by the caller (`conflict`) and may be taken over after a minute. Answers are sealed: some hold a secret that is
 * shown once.
 */
export async function once<T>({ db, sealing }: Pick<Context, 'db' | 'sealing'>, claim: Claim, work: () => Promise<T>): Promise<Once<T>> {
  const where = { org_id: claim.orgId, scope: claim.scope, key: claim.key }
  const place = { orgId: claim.orgId, table: 'idempotency_keys', column: 'answer', row: `${claim.scope} ${claim.key}` }
  const inserted = await db('idempotency_keys')
    .insert({ ...where, request_hash: claim.requestHash })
    .onConflict(['org_id', 'scope', 'key'])
    .ignore()
    .returning('key')
  if (inserted.length === 0) {
    const row = (await db('idempotency_keys').where(where).first()) as
      | { request_hash: string; answer: string | null; created_at: Date }
      | undefined
    if (row !== undefined && row.request_hash !== claim.requestHash) throw new HelixError('idempotency_mismatch')
    if (row?.answer != null) return { answer: JSON.parse(unseal(sealing, place, row.answer)) as T, repeated: true }
    const stale =
      (await db('idempotency_keys')
        .where(where)
        .whereNull('answer')
        .andWhereRaw("created_at < now() - interval '60 seconds'")
        .update({ created_at: db.fn.now() })) === 1
    if (!stale)
      throw new HelixError('conflict', 'The first request with this Idempotency-Key is still being handled: ask again in a moment.')
  }
  try {
    const answer = await work()
    await db('idempotency_keys')
      .where(where)
      .update({ answer: JSON.stringify(seal(sealing, place, JSON.stringify(answer))) })
    return { answer, repeated: false }
  } catch (error) {
    await db('idempotency_keys').where(where).whereNull('answer').delete()
    throw error
  }
}
