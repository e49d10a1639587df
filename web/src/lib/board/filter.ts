import { agentRuntimeNames } from '@helix/contract/agents'
import { boardColumns, type TaskCard } from '@helix/contract/tasks'

export type ColumnKey = (typeof boardColumns)[number]['key']

/** The column a card stands in: a failed one where it failed. */
export function columnOf(card: Pick<TaskCard, 'status' | 'failedFrom'>): ColumnKey {
  const status = card.status === 'failed' ? (card.failedFrom ?? 'backlog') : card.status
  return boardColumns.find((column) => (column.statuses as readonly string[]).includes(status))?.key ?? 'backlog'
}

const working = new Set(['planning', 'implementing', 'pull_request'])
const waiting = new Set(['spec_review', 'implementation_review', 'failed'])

function hasState(card: TaskCard, word: string): boolean {
  if (word === 'working') return working.has(card.status)
  if (word === 'waiting') return waiting.has(card.status)
  return card.status === word || (word === 'queued' && card.status.startsWith('queued_')) || columnOf(card) === word
}

/** Whether a card passes a filter: every word must. `#7` is a number, `is:failed` a state, `agent:goose` a runtime, all else is in the text. */
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
