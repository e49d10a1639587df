import type { PromptId } from '@helix/contract/ids'
import type { SessionKept, TurnResult } from '@helix/contract/link'
import type { Knex } from 'knex'
import type { SessionRow } from '../sessions/store.ts'
import { checkpointStore } from './store.ts'

type EndRow = { payload: { outcome: string; message: string | null } }

/** What a start of the session needs where its volume is gone. */
export async function keptOf(trx: Knex, session: Pick<SessionRow, 'id' | 'forked_from' | 'forked_from_n'>): Promise<SessionKept> {
  const own = await checkpointStore.newest(trx, session.id)
  const { forked_from: source, forked_from_n: n } = session
  const from = own ?? (source === null || n === null ? null : await checkpointStore.find(trx, source, n))
  return {
    last: own?.n ?? 0,
    from: from === null ? null : { ...from.kept, sessionId: from.session_id, at: from.at.toISOString() },
    turn: await newestTurn(trx, session.id),
  }
}

/** Of the journal that is stored: a volume that is new knows nothing of it. */
async function newestTurn(trx: Knex, sessionId: string): Promise<SessionKept['turn']> {
  const ofKind = (kind: string) => trx('session_entries').where({ session_id: sessionId }).andWhereRaw("payload->>'kind' = ?", [kind])
  const prompt = await ofKind('prompt').orderBy('sequence', 'desc').first('payload')
  if (prompt === undefined) return null
  const promptId: PromptId = prompt.payload.promptId
  const end: EndRow | undefined = await ofKind('turn_end').andWhereRaw("payload->>'promptId' = ?", [promptId]).first('payload')
  return { promptId, end: end === undefined ? null : { promptId, ...endOf(end) } }
}

const outcomes = ['end_turn', 'cancelled', 'refusal', 'max_tokens', 'max_turn_requests', 'error'] as const

const endOf = ({ payload: { outcome, message } }: EndRow): Omit<TurnResult, 'promptId'> => ({
  outcome: outcomes.find((known) => known === outcome) ?? 'error',
  message,
  retryable: false,
})
