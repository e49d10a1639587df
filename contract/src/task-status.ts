import { z } from 'zod'

export const taskStatuses = [
  'backlog',
  'queued_planning',
  'planning',
  'spec_review',
  'queued_implementation',
  'implementing',
  'implementation_review',
  'pull_request',
  'merged',
  'failed',
  'archived',
] as const
export type TaskStatus = (typeof taskStatuses)[number]
export const taskStatus = z.enum(taskStatuses)

/** The columns of the board, in order, and the statuses each shows. A failed task shows in the column it failed in. */
export const boardColumns = [
  { key: 'backlog', title: 'Backlog', statuses: ['backlog'] },
  { key: 'planning', title: 'Planning', statuses: ['queued_planning', 'planning'] },
  { key: 'spec_review', title: 'Spec review', statuses: ['spec_review'] },
  { key: 'implementing', title: 'Implementing', statuses: ['queued_implementation', 'implementing'] },
  { key: 'implementation_review', title: 'Review', statuses: ['implementation_review'] },
  { key: 'pull_request', title: 'Merging', statuses: ['pull_request'] },
  { key: 'merged', title: 'Merged', statuses: ['merged'] },
] as const satisfies readonly { key: string; title: string; statuses: readonly TaskStatus[] }[]

/** What a person may ask of a task; `allowed` on a task lists those its state takes now. */
export const taskActions = [
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
] as const
export type TaskAction = (typeof taskActions)[number]

export const taskFailure = z.object({
  /** Stable: `deadline`, `no_spec`, `no_changes`, `agent_failed`, `merge_failed`, `internal`. */
  code: z.string(),
  message: z.string(),
})
