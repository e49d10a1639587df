import type { OrgId, ProjectId, TaskId, UserId } from '@helix/contract/ids'
import type { ModelCall, UsageGroup, UsageRow, UsageSums } from '@helix/contract/usage'
import type { Knex } from 'knex'

/** Whose calls, and of when. Days are in UTC; `to` is the last one. */
export interface UsageFilter {
  orgId: OrgId
  from: string
  to: string
  /** Null: all; else calls of these projects, and the person's own. */
  seen: { projects: ReadonlySet<ProjectId> | null; userId: UserId } | null
  projectId?: ProjectId | undefined
  taskId?: TaskId | undefined
  userId?: UserId | undefined
  model?: string | undefined
}

const keys: Record<UsageGroup, string> = {
  day: "to_char(u.created_at at time zone 'UTC', 'YYYY-MM-DD')",
  project: 'u.project_id',
  task: 'u.task_id',
  model: 'u.model',
  person: 'u.user_id',
  provider: 'u.provider',
}

/** How a key is called, and how the calls without one are. */
const names: Record<UsageGroup, { sql: string; none: string }> = {
  day: { sql: 'g.key', none: '' },
  project: { sql: '(select name from projects where id = g.key)', none: 'No project' },
  task: { sql: "(select '#' || number || ' ' || title from spec_tasks where id = g.key)", none: 'No task' },
  model: { sql: 'g.key', none: 'No model' },
  person: { sql: '(select name from users where id = g.key)', none: 'Nobody' },
  provider: { sql: 'g.key', none: 'No provider' },
}

const sums = `count(*)::int as calls, (count(*) filter (where u.status >= 400))::int as failed,
  coalesce(sum(u.input_tokens), 0)::float8 as input_tokens, coalesce(sum(u.cached_tokens), 0)::float8 as cached_tokens,
  coalesce(sum(u.output_tokens), 0)::float8 as output_tokens, coalesce(sum(u.reasoning_tokens), 0)::float8 as reasoning_tokens,
  coalesce(sum(u.micro_usd), 0)::float8 as micro_usd, (count(*) filter (where u.estimated))::int as estimated`

interface SumsRow {
  calls: number
  failed: number
  input_tokens: number
  cached_tokens: number
  output_tokens: number
  reasoning_tokens: number
  micro_usd: number
  estimated: number
}

const sumsOf = (row: SumsRow): UsageSums => ({
  calls: row.calls,
  failed: row.failed,
  inputTokens: row.input_tokens,
  cachedTokens: row.cached_tokens,
  outputTokens: row.output_tokens,
  reasoningTokens: row.reasoning_tokens,
  microUsd: row.micro_usd,
  estimated: row.estimated,
})

function whereOf({ orgId, from, to, seen, projectId, taskId, userId, model }: UsageFilter): { sql: string; values: unknown[] } {
  const parts: [string, unknown[]][] = [
    ['u.org_id = ?', [orgId]],
    ["u.created_at >= ?::date at time zone 'UTC'", [from]],
    ["u.created_at < (?::date + 1) at time zone 'UTC'", [to]],
  ]
  if (seen !== null && seen.projects === null) parts.push(['(u.project_id is not null or u.user_id = ?)', [seen.userId]])
  if (seen !== null && seen.projects !== null) parts.push(['(u.project_id = any(?) or u.user_id = ?)', [[...seen.projects], seen.userId]])
  if (projectId !== undefined) parts.push(['u.project_id = ?', [projectId]])
  if (taskId !== undefined) parts.push(['u.task_id = ?', [taskId]])
  if (userId !== undefined) parts.push(['u.user_id = ?', [userId]])
  if (model !== undefined) parts.push(['u.model = ?', [model]])
  return { sql: parts.map(([sql]) => sql).join(' and '), values: parts.flatMap(([, values]) => values) }
}

/** What models were used and cost. */
export const usageStore = {
  async total(db: Knex, filter: UsageFilter): Promise<UsageSums> {
    const { sql, values } = whereOf(filter)
    const { rows } = (await db.raw(`select ${sums} from usage u where ${sql}`, values as never)) as { rows: [SumsRow] }
    return sumsOf(rows[0])
  },

  /** The dearest first, by day in order. */
  async groups(db: Knex, filter: UsageFilter, by: UsageGroup, limit: number): Promise<UsageRow[]> {
    const { sql, values } = whereOf(filter)
    const order = by === 'day' ? 'key' : 'micro_usd desc, calls desc, key'
    const { rows } = (await db.raw(
      `select g.*, ${names[by].sql} as name from
         (select ${keys[by]} as key, ${sums} from usage u where ${sql} group by 1 order by ${order} limit ?) g`,
      [...values, limit] as never,
    )) as { rows: (SumsRow & { key: string | null; name: string | null })[] }
    return rows.map((row) => ({ key: row.key, name: row.name ?? row.key ?? names[by].none, ...sumsOf(row) }))
  },

  /** By day, and within it for some keys of a group. */
  async days(
    db: Knex,
    filter: UsageFilter,
    by: UsageGroup,
  ): Promise<{ day: string; key: string | null; microUsd: number; calls: number }[]> {
    const { sql, values } = whereOf(filter)
    const { rows } = (await db.raw(
      `select ${keys.day} as day, ${keys[by]} as key, coalesce(sum(u.micro_usd), 0)::float8 as micro_usd, count(*)::int as calls
         from usage u where ${sql} group by 1, 2`,
      values as never,
    )) as { rows: { day: string; key: string | null; micro_usd: number; calls: number }[] }
    return rows.map(({ day, key, micro_usd, calls }) => ({ day, key, microUsd: micro_usd, calls }))
  },

  async ofTask(db: Knex, orgId: OrgId, taskId: TaskId, before: string | undefined, limit: number): Promise<ModelCall[]> {
    const query = db('usage').where({ org_id: orgId, task_id: taskId }).orderBy('id', 'desc').limit(limit)
    if (before !== undefined) query.andWhere('id', '<', before)
    // biome-ignore lint/suspicious/noExplicitAny: a row, shaped here
    return (await query).map((row: any) => ({
      ...{ id: String(row.id), startedAt: row.created_at.toISOString(), durationMs: row.duration_ms, firstByteMs: row.first_byte_ms },
      ...{ operation: row.operation, provider: row.provider, askedModel: row.asked_model, model: row.model, status: row.status },
      ...{ streamed: row.streamed, attempts: row.attempts, step: row.step, promptId: row.prompt_id, requestId: row.request_id },
      ...{ inputTokens: row.input_tokens, cachedTokens: row.cached_tokens, outputTokens: row.output_tokens },
      ...{ reasoningTokens: row.reasoning_tokens, estimated: row.estimated, microUsd: Number(row.micro_usd) },
    }))
  },

  async totalOfTask(db: Knex, orgId: OrgId, taskId: TaskId): Promise<UsageSums> {
    const { rows } = (await db.raw(`select ${sums} from usage u where u.org_id = ? and u.task_id = ?`, [orgId, taskId])) as {
      rows: [SumsRow]
    }
    return sumsOf(rows[0])
  },
}
