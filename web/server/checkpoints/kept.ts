import type { PromptId } from '@helix/contract/ids'
import type { SessionKept, TurnResult } from '@helix/contract/link'
import type { Knex } from 'knex'
import type { SessionRow } from '../sessions/store.ts'
import { checkpointStore } from './store.ts'

type EndRow = { payload: { outcome: string; message: string | null } }

type Session = Pick<SessionRow, 'id' | 'forked_from' | 'forked_from_n' | 'kept_before'>

/** What a start of the session needs where its volume is gone. */
export async function keptOf(trx: Knex, { id, forked_from: source, forked_from_n: n, kept_before }: Session): Promise<SessionKept> {
  const newest = await checkpointStore.newest(trx, id)
  const own = newest === null || newest.n <= kept_before ? null : newest
  const from = own ?? (source === null || n === null ? null : await checkpointStore.find(trx, source, n))
  return {
    last: newest?.n ?? 0,
    from: from === null ? null : { ...from.kept, sessionId: from.session_id, at: from.at.toISOString() },
    turn: await newestTurn(trx, id),
  }
}

/** Of the journal that is stored: a volume that is new knows nothing of it. */
async function newestTurn(trx: Knex, sessionId: string): Promise<SessionKept['turn']> {
  const ofKind = (kind: string) => trx('session_entries').where({ session_id: sessionId }).andWhereRaw("payload->>'kind' = ?", [kind])
  const prompt = await ofKind('prompt').orderBy('sequence', 'desc').first('sequence', 'payload')
  if (prompt === undefined) return null
  const promptId: PromptId = prompt.payload.promptId
  const end: EndRow | undefined = await ofKind('turn_end')
    .andWhere('sequence', '>', prompt.sequence)
    .andWhereRaw("payload->>'promptId' = ?", [promptId])
    .first('payload')
  return { promptId, end: end === undefined ? null : { promptId, ...endOf(end) } }
}

const outcomes = ['end_turn', 'cancelled', 'refusal', 'max_tokens', 'max_turn_requests', 'error'] as const

const endOf = ({ payload: { outcome, message } }: EndRow): Omit<TurnResult, 'promptId'> => ({
  outcome: outcomes.find((known) => known === outcome) ?? 'error',
  message,
  retryable: false,
})
