import { wellFormed } from '@helix/contract/text'
import type { Knex } from 'knex'
import type { Metered } from '../ports/meter.ts'

/** Of PostgreSQL's `int`; a provider may say anything. */
const largest = 2_147_483_647
const int = (value: number): number => Math.min(largest, Math.max(0, Math.round(value)))
const intOrNull = (value: number | null): number | null => (value === null ? null : int(value))
const name = (value: string): string => wellFormed(value).slice(0, 200)

function rowOf(call: Metered): object {
  const { scope, counts } = call
  return {
    org_id: scope.orgId,
    project_id: scope.projectId,
    task_id: scope.taskId,
    session_id: scope.sessionId,
    user_id: scope.userId,
    key_prefix: scope.keyPrefix,
    prompt_id: call.turn?.promptId ?? null,
    step: call.turn?.step ?? null,
    operation: call.operation,
    dialect: call.dialect,
    provider_id: call.providerId,
    provider: name(call.provider),
    asked_model: name(call.asked),
    model: name(call.model),
    input_tokens: int(counts.input),
    output_tokens: int(counts.output),
    cached_tokens: int(counts.cachedInput),
    cache_write_tokens: int(counts.cacheWrite),
    reasoning_tokens: int(counts.reasoning),
    micro_usd: Math.max(0, Math.round(call.microUsd)),
    estimated: counts.estimated,
    status: call.status,
    streamed: call.streamed,
    first_byte_ms: intOrNull(call.firstByteMs),
    duration_ms: int(call.durationMs),
    attempts: call.attempts,
    request_id: call.requestId,
    created_at: new Date(call.startedAt).toISOString(),
  }
}

const columns = [
  ...['org_id text', 'project_id text', 'task_id text', 'session_id text', 'user_id text', 'key_prefix text', 'prompt_id text', 'step int'],
  ...['operation text', 'dialect text', 'provider_id text', 'provider text', 'asked_model text', 'model text', 'input_tokens int'],
  ...['output_tokens int', 'cached_tokens int', 'cache_write_tokens int', 'reasoning_tokens int', 'micro_usd bigint', 'estimated boolean'],
  ...[
    'status int',
    'streamed boolean',
    'first_byte_ms int',
    'duration_ms int',
    'attempts int',
    'request_id text',
    'created_at timestamptz',
  ],
]
const names = columns.map((column) => column.split(' ')[0]).join(', ')

/**
 * One statement for many calls. A call that is there already is not written again, so a batch whose answer got lost may be sent once more; what is of an
 * organisation that was deleted meanwhile goes with it.
 */
export async function insertCalls(db: Knex, calls: readonly Metered[]): Promise<void> {
  const qualified = columns.map((column) => `r.${column.split(' ')[0]}`).join(', ')
  await db.raw(
    `insert into usage (${names}) select ${qualified} from jsonb_to_recordset(?::jsonb) as r (${columns.join(', ')})
       join organisations o on o.id = r.org_id on conflict (request_id) do nothing`,
    [JSON.stringify(calls.map(rowOf))],
  )
}
