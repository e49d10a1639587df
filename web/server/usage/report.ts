import type { QueryOf, ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { getUsage, UsageRow, UsageSums } from '@helix/contract/usage'
import { visibleProjects } from '../access/store.ts'
import type { Context } from '../context.ts'
import type { Principal } from '../http/mount.ts'
import { type UsageFilter, usageStore } from './store.ts'

type Query = QueryOf<typeof getUsage>
type Report = ResponseOf<typeof getUsage>

/** Units: days. */
const usualRange = 30
const longestRange = 400
const mostRows = 100
/** More colours than these nobody tells apart. */
const mostParts = 6
const dayMs = 86_400_000

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** The range that is asked for; throws where it is none. */
export function rangeOf({ from, to }: Pick<Query, 'from' | 'to'>, now = Date.now()): { from: string; to: string } {
  const last = to ?? dayOf(now)
  const first = from ?? dayOf(Date.parse(last) - (usualRange - 1) * dayMs)
  const days = (Date.parse(last) - Date.parse(first)) / dayMs
  const wrong = days < 0 ? 'is after the last day' : days >= longestRange ? `is more than ${longestRange} days before the last day` : null
  if (wrong !== null) throw new HelixError('invalid_request', `from: ${wrong}`, { fields: { from: wrong } })
  return { from: first, to: last }
}

/** What the caller may see of what is asked for. */
export async function filterOf(context: Context, actor: Principal, query: Query): Promise<UsageFilter> {
  const all = actor.orgRole === 'owner' || actor.orgRole === 'admin'
  const seen = all ? null : { projects: await visibleProjects(context.db, actor), userId: actor.userId }
  const { projectId, taskId, userId, model } = query
  return { orgId: actor.orgId, ...rangeOf(query), seen, projectId, taskId, userId, model }
}

function restOf(total: UsageSums, rows: readonly UsageRow[]): UsageRow {
  const rest = (field: keyof UsageSums): number => total[field] - rows.reduce((sum, row) => sum + row[field], 0)
  return {
    ...{ key: null, name: 'All others', calls: rest('calls'), failed: rest('failed'), inputTokens: rest('inputTokens') },
    ...{ cachedTokens: rest('cachedTokens'), outputTokens: rest('outputTokens'), reasoningTokens: rest('reasoningTokens') },
    ...{ microUsd: rest('microUsd'), estimated: rest('estimated') },
  }
}

export async function usageReport(context: Context, actor: Principal, query: Query): Promise<Report> {
  const filter = await filterOf(context, actor, query)
  // One day is one bar: its parts are then the models.
  const split = query.by === 'day' ? 'model' : query.by
  const [total, rows, dearest, daily] = await Promise.all([
    usageStore.total(context.db, filter),
    usageStore.groups(context.db, filter, query.by, query.by === 'day' ? longestRange : mostRows),
    usageStore.groups(context.db, filter, split, mostParts),
    usageStore.days(context.db, filter, split),
  ])
  const parts = dearest.map(({ key, name }) => ({ key, name }))
  const count = Math.round((Date.parse(filter.to) - Date.parse(filter.from)) / dayMs) + 1
  const days = Array.from({ length: count }, (_, index) => {
    const day = dayOf(Date.parse(filter.from) + index * dayMs)
    const of = daily.filter((one) => one.day === day)
    return {
      day,
      microUsd: of.reduce((sum, one) => sum + one.microUsd, 0),
      calls: of.reduce((sum, one) => sum + one.calls, 0),
      parts: parts.map(({ key }) => of.find((one) => one.key === key)?.microUsd ?? 0),
    }
  })
  const shown = rows.reduce((sum, { calls }) => sum + calls, 0) < total.calls ? [...rows, restOf(total, rows)] : rows
  return { from: filter.from, to: filter.to, total, rows: shown, days, parts, partial: filter.seen !== null }
}
