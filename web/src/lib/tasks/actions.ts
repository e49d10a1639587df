import type { Call } from '@helix/contract/client'
import {
  approveImplementation,
  approveSpec,
  archiveTask,
  moveToBacklog,
  rejectSpec,
  requestImplementationChanges,
  requestSpecChanges,
  restoreTask,
  retryTask,
  startTask,
  undoArchive,
} from '@helix/contract/task-moves'
import type { TaskAction } from '@helix/contract/task-status'
import type { Task } from '@helix/contract/tasks'

const simple = {
  start: startTask,
  retry: retryTask,
  back_to_backlog: moveToBacklog,
  archive: archiveTask,
  restore: restoreTask,
  undo_archive: undoArchive,
}

/** Asks for one move and answers with the task as it is then. Approvals bind to the commit that the task shows. */
export async function act(call: Call, action: TaskAction, task: Task, note = ''): Promise<Task> {
  const params = { taskId: task.id }
  if (action in simple) return (await call(simple[action as keyof typeof simple], { params })).task
  if (action === 'approve_spec') return (await call(approveSpec, { params, body: { commit: task.revision?.commit ?? '' } })).task
  if (action === 'request_spec_changes')
    return (await call(requestSpecChanges, { params, body: { commit: task.revision?.commit ?? '', note } })).task
  if (action === 'reject_spec') return (await call(rejectSpec, { params, body: { commit: task.revision?.commit ?? '', note } })).task
  if (action === 'approve_implementation')
    return (await call(approveImplementation, { params, body: { commit: task.branchCommit ?? '' } })).task
  return (await call(requestImplementationChanges, { params, body: { note } })).task
}

/** What a person most likely wants next: the one primary button. Null when the agent is at work or nothing is left. */
export function nextAction(task: Pick<Task, 'allowed' | 'status'>): TaskAction | 'review_spec' | null {
  if (task.status === 'spec_review') return 'review_spec'
  const first: TaskAction[] = ['retry', 'approve_implementation', 'restore', 'start']
  return first.find((action) => task.allowed.includes(action)) ?? null
}

/** Everything else the state allows, for the menu. Spec decisions are made on the review page, where the spec is read. */
export function otherActions(task: Pick<Task, 'allowed' | 'status'>): TaskAction[] {
  const next = nextAction(task)
  const elsewhere: TaskAction[] = ['approve_spec', 'request_spec_changes', 'reject_spec', 'request_implementation_changes']
  return task.allowed.filter((action) => action !== next && !elsewhere.includes(action))
}
