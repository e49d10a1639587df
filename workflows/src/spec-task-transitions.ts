import type { TaskAction, TaskStatus } from '@helix/contract/task-status'

/** What can happen to a spec task: what people ask, and what its own work brings. */
export type SpecTaskMessage =
  | { kind: 'start' }
  | { kind: 'slotClaimed' }
  | { kind: 'specReady' }
  | { kind: 'approve_spec' }
  | { kind: 'request_spec_changes' }
  | { kind: 'reject_spec' }
  | { kind: 'implementationReady' }
  | { kind: 'approve_implementation' }
  | { kind: 'request_implementation_changes' }
  | { kind: 'mergeDone' }
  | { kind: 'mergeConflict' }
  | { kind: 'fail' }
  | { kind: 'retry' }
  | { kind: 'back_to_backlog' }
  | { kind: 'archive' }
  | { kind: 'restore' }
  | { kind: 'undo_archive' }

export type MessageKind = SpecTaskMessage['kind']

/** What the table needs to know of a task besides its status. */
export interface TaskFacts {
  failedFrom: TaskStatus | null
  justDoIt: boolean
  /** It had been merged before it was archived. */
  merged: boolean
  /** Where it stood before it was archived; null where that is not known. */
  archivedFrom: TaskStatus | null
}

export type Transition = { accepted: true; to: TaskStatus } | { accepted: false; reason: string }

type Target = TaskStatus | ((facts: TaskFacts) => TaskStatus)
type Row = Partial<Record<MessageKind, Target>>

/** Where a retry goes on: the work that failed is queued again, a merge is tried again. */
function retryTarget({ failedFrom }: TaskFacts): TaskStatus {
  if (failedFrom === 'implementing' || failedFrom === 'queued_implementation') return 'queued_implementation'
  if (failedFrom === 'pull_request') return 'pull_request'
  return 'queued_planning'
}

/** Back to where it stood; the turn that was under way is over, so that work queues again. */
function undoTarget({ archivedFrom, merged }: TaskFacts): TaskStatus {
  if (archivedFrom === 'planning') return 'queued_planning'
  if (archivedFrom === 'implementing') return 'queued_implementation'
  return archivedFrom ?? (merged ? 'merged' : 'backlog')
}

const leave: Row = { back_to_backlog: 'backlog', archive: 'archived' }
const work: Row = { ...leave, fail: 'failed' }

/** The whole life of a spec task. What is not here is refused. */
const table: Record<TaskStatus, Row> = {
  backlog: { start: ({ justDoIt }) => (justDoIt ? 'queued_implementation' : 'queued_planning'), archive: 'archived' },
  queued_planning: { ...work, slotClaimed: 'planning' },
  planning: { ...work, specReady: 'spec_review' },
  spec_review: { ...leave, approve_spec: 'queued_implementation', request_spec_changes: 'planning', reject_spec: 'backlog' },
  queued_implementation: { ...work, slotClaimed: 'implementing' },
  implementing: { ...work, implementationReady: 'implementation_review' },
  implementation_review: { ...leave, approve_implementation: 'pull_request', request_implementation_changes: 'implementing' },
  pull_request: { mergeDone: 'merged', mergeConflict: 'implementing', fail: 'failed' },
  merged: { archive: 'archived' },
  failed: { ...leave, retry: retryTarget },
  archived: { restore: ({ merged }) => (merged ? 'merged' : 'backlog'), undo_archive: undoTarget },
}

const statusWords: Record<TaskStatus, string> = {
  backlog: 'in the backlog',
  queued_planning: 'queued for planning',
  planning: 'being planned',
  spec_review: 'in spec review',
  queued_implementation: 'queued for implementation',
  implementing: 'being implemented',
  implementation_review: 'in review',
  pull_request: 'being merged',
  merged: 'merged',
  failed: 'failed',
  archived: 'archived',
}

const messageWords: Record<MessageKind, string> = {
  start: 'be started',
  slotClaimed: 'claim a slot',
  specReady: 'bring a spec',
  approve_spec: 'have its spec approved',
  request_spec_changes: 'have its spec sent back',
  reject_spec: 'have its spec rejected',
  implementationReady: 'bring an implementation',
  approve_implementation: 'have its implementation approved',
  request_implementation_changes: 'have its implementation sent back',
  mergeDone: 'be merged',
  mergeConflict: 'have a merge conflict',
  fail: 'fail',
  retry: 'be tried again',
  back_to_backlog: 'go back to the backlog',
  archive: 'be archived',
  restore: 'be restored',
  undo_archive: 'be put back where it stood',
}

const actions: readonly TaskAction[] = [
  'start',
  'approve_spec',
  'request_spec_changes',
  'reject_spec',
  'approve_implementation',
  'request_implementation_changes',
  'retry',
  'back_to_backlog',
  'archive',
  'restore',
  'undo_archive',
]

/** What people may ask of a task in this status. */
export function allowedActions(status: TaskStatus, _failedFrom: TaskStatus | null): TaskAction[] {
  return actions.filter((action) => table[status][action] !== undefined)
}

/** Whether the message may follow in this status, and where it leads; a refusal says why and what is possible, for people. */
export function transition(status: TaskStatus, message: SpecTaskMessage, facts: TaskFacts): Transition {
  const target = table[status][message.kind]
  if (target !== undefined) return { accepted: true, to: typeof target === 'function' ? target(facts) : target }
  const possible = allowedActions(status, facts.failedFrom).map((action) => messageWords[action])
  const way = possible.length === 0 ? 'nothing can be asked of it now' : `it can ${possible.join(', ')}`
  return { accepted: false, reason: `The task is ${statusWords[status]} and cannot ${messageWords[message.kind]}: ${way}.` }
}

export const isQueued = (status: TaskStatus): boolean => status === 'queued_planning' || status === 'queued_implementation'
export const isReview = (status: TaskStatus): boolean => status === 'spec_review' || status === 'implementation_review'
export const isWorking = (status: TaskStatus): boolean => status === 'planning' || status === 'implementing'
/** The workflow ends here; a later request starts it again from the row. */
export const isResting = (status: TaskStatus): boolean => status === 'merged' || status === 'archived'
/** The agent's session has nothing more to do. */
export const endsSession = isResting
