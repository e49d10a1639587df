import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { commitHash } from './repositories.ts'
import { type TaskAction, taskStatus } from './task-status.ts'
import { taskDetails } from './tasks.ts'
import { text } from './text.ts'

const params = z.object({ taskId: idSchema('task') })

export const verdict = z.object({
  status: taskStatus,
  task: taskDetails,
  /** What came of it where the task did not move, e.g. `1 of 2 approvals`. */
  note: z.string().nullable(),
})
const moves = ['transition_refused', 'worker_unavailable', 'temporal_unavailable'] as const

function move<B extends z.ZodType>(action: string, permission: 'task:write' | 'task:review', summary: string, body: B) {
  return defineEndpoint({
    method: 'POST',
    path: `/api/v1/tasks/:taskId/${action}`,
    permission,
    summary,
    params,
    body,
    response: verdict,
    errors: [...moves, 'revision_outdated', 'branch_moved'],
  })
}

const none = z.object({})
export const startTask = move('start', 'task:write', 'Queue the task for planning', none)
export const approveSpec = move(
  'approve-spec',
  'task:review',
  'Approve the spec; binds to the commit, refused when a newer revision exists. The last approval that the project asks for moves the task',
  z.object({ commit: commitHash }),
)
export const requestSpecChanges = move(
  'request-spec-changes',
  'task:review',
  'Send the open comments and this note to the agent',
  z.object({ commit: commitHash, note: text(20_000).default('') }),
)
export const rejectSpec = move(
  'reject-spec',
  'task:review',
  'Refuse the spec for good: the task goes back to the backlog with the reason',
  z.object({ commit: commitHash, note: text(20_000).refine((value) => value.trim() !== '', 'say why') }),
)
export const approveImplementation = move(
  'approve-implementation',
  'task:review',
  'Approve the branch at this commit and merge it',
  z.object({ commit: commitHash }),
)
export const requestImplementationChanges = move(
  'request-implementation-changes',
  'task:review',
  'Send the implementation back to the agent with this note',
  z.object({ note: text(20_000).default('') }),
)
export const retryTask = move('retry', 'task:write', 'Try again from where it failed', none)
export const moveToBacklog = move('back-to-backlog', 'task:write', 'Stop the agent and put the task back; specs and branch stay', none)
export const archiveTask = move('archive', 'task:write', 'Stop the agent and take the task off the board', none)
export const restoreTask = move('restore', 'task:write', 'Bring an archived task back into the backlog; a merged one is merged again', none)
export const undoArchive = move(
  'undo-archive',
  'task:write',
  'Put an archived task back where it stood: column, order and place in the queue. The note says what is lost, such as a running turn',
  none,
)

export const taskMoves = {
  start: startTask,
  approve_spec: approveSpec,
  request_spec_changes: requestSpecChanges,
  reject_spec: rejectSpec,
  approve_implementation: approveImplementation,
  request_implementation_changes: requestImplementationChanges,
  retry: retryTask,
  back_to_backlog: moveToBacklog,
  archive: archiveTask,
  restore: restoreTask,
  undo_archive: undoArchive,
} as const satisfies Record<TaskAction, unknown>
