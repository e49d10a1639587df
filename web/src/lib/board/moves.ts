import { boardColumns, type TaskAction, type TaskStatus } from '@helix/contract/task-status'
import type { TaskCard } from '@helix/contract/tasks'
import { type ColumnKey, columnOf } from './filter.ts'

/** What dropping a card on a column means. */
export type Drop =
  | { kind: 'stay' }
  | { kind: 'act'; action: Extract<TaskAction, 'start' | 'back_to_backlog' | 'retry'>; hint: string; becomes: TaskStatus }
  /** A decision that is made where the work is read. */
  | { kind: 'open'; page: 'spec' | 'changes'; hint: string }
  | { kind: 'refused'; reason: string }

const titleOf = (key: ColumnKey): string => boardColumns.find((column) => column.key === key)?.title ?? key

const refused = (reason: string): Drop => ({ kind: 'refused', reason })

function fromReview(card: TaskCard, to: ColumnKey): Drop {
  if (card.status === 'spec_review' && (to === 'implementing' || to === 'planning'))
    return { kind: 'open', page: 'spec', hint: to === 'planning' ? 'Request changes in the spec review' : 'Approve in the spec review' }
  if (card.status === 'implementation_review' && (to === 'pull_request' || to === 'implementing' || to === 'merged'))
    return { kind: 'open', page: 'changes', hint: to === 'implementing' ? 'Request changes beside the diff' : 'Approve beside the diff' }
  return refused(`It waits for a review: open it and decide there; ${titleOf(to)} follows from that.`)
}

/** Where a card may be dropped, and what happens then; a refusal says why, for people. */
export function dropOf(card: TaskCard, to: ColumnKey): Drop {
  const from = columnOf(card)
  if (card.status === 'failed' && (to === from || to === 'planning'))
    return { kind: 'act', action: 'retry', hint: 'Try again', becomes: from === 'planning' ? 'queued_planning' : 'queued_implementation' }
  if (from === to) return { kind: 'stay' }
  if (card.status === 'merged') return refused('It is merged: archive it, or clone it to do it again.')
  if (card.status === 'pull_request') return refused('It is being merged: wait for the end.')
  if (to === 'backlog') return { kind: 'act', action: 'back_to_backlog', hint: 'Stop the agent, back to the backlog', becomes: 'backlog' }
  if (card.status === 'backlog')
    return to === 'planning'
      ? { kind: 'act', action: 'start', hint: 'Start', becomes: 'queued_planning' }
      : refused(`It begins with planning: drop it on ${titleOf('planning')}.`)
  if (card.status === 'spec_review' || card.status === 'implementation_review') return fromReview(card, to)
  if (card.status === 'failed') return refused('It failed: try it again, or put it back into the backlog.')
  return refused(`Its agent is at work and moves it by itself; only ${titleOf('backlog')} stops it.`)
}
