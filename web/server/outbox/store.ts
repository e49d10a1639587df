import type { OrgId, SessionId, TaskId } from '@helix/contract/ids'
import type { TaskRequest } from '@helix/workflows/messages'
import type { Knex } from 'knex'

/** What must reach Temporal because a row was written. Delivered at least once; ids make a repetition harmless. */
export type OutboxMessage =
  | { kind: 'startTask'; taskId: TaskId; request?: TaskRequest }
  | { kind: 'signalTask'; taskId: TaskId; signal: 'personPrompt' | 'slotFreed' | 'pushed' | 'budgetRaised'; payload: unknown }
  | {
      kind: 'signalSession'
      taskId: TaskId | null
      sessionId: SessionId
      signal: 'cancelTurn' | 'suspend' | 'placeFreed'
      payload: unknown
    }
  /** Starts the session's workflow first where it does not run. */
  | {
      kind: 'tellSession'
      taskId: TaskId | null
      sessionId: SessionId
      signal: 'wake' | 'prompt' | 'suspend' | 'stopSession'
      payload: unknown
    }

export interface OutboxRow {
  id: number
  message: OutboxMessage
  attempts: number
}

/** `laterMs`: it can wait so long, or until the session is told something else. */
export async function enqueue(trx: Knex, orgId: OrgId, message: OutboxMessage, { laterMs = 0 } = {}): Promise<void> {
  const payload = JSON.stringify(message)
  if (laterMs > 0) {
    const due_at = trx.raw('now() + make_interval(secs => ?)', [laterMs / 1000])
    await trx('outbox').insert({ org_id: orgId, kind: message.kind, payload, due_at })
    return
  }
  if ('sessionId' in message) await hurry(trx, message.sessionId)
  await trx('outbox').insert({ org_id: orgId, kind: message.kind, payload })
}

/** What a session was to be told later is told now. */
export async function hurry(trx: Knex, sessionId: SessionId): Promise<void> {
  await trx('outbox')
    .where({ attempts: 0 })
    .andWhereRaw("due_at > now() and payload->>'sessionId' = ?", [sessionId])
    .update({ due_at: trx.fn.now() })
}

/** Takes due messages and moves their due time forward, so that a relay that dies gives them back by itself. */
export async function claimDue(db: Knex, limit: number, leaseMs: number): Promise<OutboxRow[]> {
  const result = (await db.raw(
    `update outbox set due_at = now() + make_interval(secs => ?), attempts = attempts + 1
     where id in (select id from outbox where due_at <= now() order by id limit ? for update skip locked)
     returning id, payload, attempts`,
    [leaseMs / 1000, limit],
  )) as { rows: { id: number; payload: OutboxMessage; attempts: number }[] }
  return result.rows.sort((a, b) => a.id - b.id).map(({ id, payload, attempts }) => ({ id, message: payload, attempts }))
}

export async function forget(db: Knex, id: number): Promise<void> {
  await db('outbox').where({ id }).delete()
}

export async function postpone(db: Knex, id: number, delayMs: number, error: string): Promise<void> {
  await db('outbox')
    .where({ id })
    .update({ due_at: db.raw('now() + make_interval(secs => ?)', [delayMs / 1000]), last_error: error.slice(0, 1000) })
}
