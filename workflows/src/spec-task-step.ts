import type { TaskId } from '@helix/contract/ids'
import type { TaskStatus } from '@helix/contract/task-status'
import type { ControlActivities } from './activities.ts'
import { specTaskWorkflowId, type TaskRequest } from './messages.ts'
import type { MessageKind } from './spec-task-transitions.ts'
import { beginning } from './spec-task-words.ts'

/** What goes with a move besides where it leads. */
export interface Move {
  reason?: string | null
  request?: TaskRequest
  failure?: { code: string; message: string }
  mergedCommit?: string
}

const verdicts: Partial<Record<MessageKind, 'approved' | 'changes_requested' | 'rejected'>> = {
  approve_spec: 'approved',
  request_spec_changes: 'changes_requested',
  reject_spec: 'rejected',
}

/** The row's next step: what `recordStep` writes by compare-and-set, under a key that makes its repetition the same write. */
export function stepOf(
  /** `failedFrom`: where it failed, when this step leads to `failed`. */
  task: { taskId: TaskId; status: TaskStatus; step: number; failedFrom: TaskStatus | null },
  kind: MessageKind,
  to: TaskStatus,
  { request, reason, failure, mergedCommit }: Move,
): Parameters<ControlActivities['recordStep']>[0] {
  const step = task.step + 1
  const review = verdicts[kind] ?? null
  const commit = request?.commit ?? null
  return {
    taskId: task.taskId,
    key: `${specTaskWorkflowId(task.taskId)}/${step}/${kind}/${request?.id ?? ''}`.slice(0, 300),
    step,
    from: task.status,
    to,
    cause: kind,
    reason: reason ?? null,
    actorId: request?.actorId ?? null,
    failure: failure ?? null,
    failedFrom: to === 'failed' ? task.failedFrom : null,
    activity: (failure?.message ?? (kind === 'reject_spec' ? `Spec rejected: ${request?.note ?? ''}` : beginning[to])).slice(0, 500),
    expectSpecCommit: review === null ? null : commit,
    expectBranchCommit: kind === 'approve_implementation' ? commit : null,
    review: review === null || commit === null ? null : { verdict: review, commit, note: request?.note ?? '' },
    mergedCommit: mergedCommit ?? null,
  }
}
