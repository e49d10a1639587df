import { agentRuntimeNames } from '@helix/contract/agents'
import { boardColumns } from '@helix/contract/task-status'
import type { TaskCard } from '@helix/contract/tasks'

export type ColumnKey = (typeof boardColumns)[number]['key']

/** The column a card stands in: a failed one where it failed. */
export function columnOf(card: Pick<TaskCard, 'status' | 'failedFrom'>): ColumnKey {
  const status = card.status === 'failed' ? (card.failedFrom ?? 'backlog') : card.status
  return boardColumns.find((column) => (column.statuses as readonly string[]).includes(status))?.key ?? 'backlog'
}

/** A name as one word of a filter. */
export const asWord = (name: string): string => name.toLowerCase().replace(/\s+/g, '-')

/** `none` finds what has none. */
const isAmong = (named: readonly { name: string }[], word: string): boolean =>
  word === 'none' ? named.length === 0 : named.some(({ name }) => asWord(name).includes(word))

const working = new Set(['planning', 'implementing', 'pull_request'])
const waiting = new Set(['spec_review', 'implementation_review', 'failed'])

function hasState(card: TaskCard, word: string): boolean {
  if (word === 'working') return working.has(card.status)
  if (word === 'waiting') return waiting.has(card.status)
  if (word === 'blocked') return card.blockedBy.length > 0
  return card.status === word || (word === 'queued' && card.status.startsWith('queued_')) || columnOf(card) === word
}

/**
 * Whether a card passes a filter: every word must. `#7` is a number, `is:failed` a state, `agent:goose` a runtime, `label:`,
 * `assignee:` and `priority:` what they say, all else is in the text.
 */
export function passes(card: TaskCard, filter: string): boolean {
  const text = `${card.title} ${card.activity} ${card.createdBy.name}`.toLowerCase()
  const agent = `${card.agentRuntime} ${agentRuntimeNames[card.agentRuntime]}`.toLowerCase()
  return filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .every((word) => {
      if (/^#\d+$/.test(word)) return card.number === Number(word.slice(1))
      if (word.startsWith('is:')) return hasState(card, word.slice(3))
      if (word.startsWith('agent:')) return agent.includes(word.slice(6))
      if (word.startsWith('priority:')) return card.priority === word.slice(9)
      if (word.startsWith('label:')) return isAmong(card.labels, word.slice(6))
      if (word.startsWith('assignee:')) return isAmong(card.assignees, word.slice(9))
      return text.includes(word)
    })
}

/** The cards of each column that pass, newest change first. */
export function arrange(cards: readonly TaskCard[], filter: string): Map<ColumnKey, TaskCard[]> {
  const columns = new Map<ColumnKey, TaskCard[]>(boardColumns.map((column) => [column.key, []]))
  for (const card of cards.toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt) || b.number - a.number)) {
    if (card.status !== 'archived' && passes(card, filter)) columns.get(columnOf(card))?.push(card)
  }
  return columns
}

export const groupings = ['label', 'assignee'] as const
export type Grouping = (typeof groupings)[number]

export interface Lane {
  key: string
  title: string
  columns: Map<ColumnKey, TaskCard[]>
  count: number
}

/** One lane for each label or assignee, by name, and one for cards without. A card with two labels stands in both. */
export function lanesOf(cards: readonly TaskCard[], filter: string, grouping: Grouping): Lane[] {
  const shown = cards.filter((card) => card.status !== 'archived' && passes(card, filter))
  const of = (card: TaskCard): readonly { id: string; name: string }[] => (grouping === 'label' ? card.labels : card.assignees)
  const named = new Map(shown.flatMap(of).map(({ id, name }) => [id, name]))
  const lane = (key: string, title: string, own: TaskCard[]): Lane => ({ key, title, columns: arrange(own, ''), count: own.length })
  const lanes = [...named]
    .toSorted(([, a], [, b]) => a.localeCompare(b))
    .map(([id, name]) =>
      lane(
        id,
        name,
        shown.filter((card) => of(card).some((one) => one.id === id)),
      ),
    )
  const rest = shown.filter((card) => of(card).length === 0)
  return rest.length === 0 ? lanes : [...lanes, lane('none', grouping === 'label' ? 'No label' : 'Nobody', rest)]
}
