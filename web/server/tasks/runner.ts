import { randomUUID } from 'node:crypto'
import { HelixError } from '@helix/contract/errors'
import type { UserId } from '@helix/contract/ids'
import type { TaskAction } from '@helix/contract/task-status'
import type { TaskRequest } from '@helix/workflows/messages'
import type { Context } from '../context.ts'
import { hashRequest } from '../http/idempotency.ts'
import { approvalProblem } from '../reviews/decisions.ts'
import { branchProblem, revisionProblem } from './binding.ts'
import type { TaskRow } from './store.ts'

/** Units: milliseconds. An update blocks until a worker takes it. */
const verdictDeadlineMs = 20_000

export interface Move {
  action: TaskAction
  actorId: UserId
  /** The caller's Idempotency-Key. */
  onceKey: string | undefined
  commit?: string
  note?: string
}

/** The workflow answers an id it has seen with its first verdict: the id of one key differs by person, action and content. */
function requestOf({ onceKey, ...rest }: Move): TaskRequest {
  return { id: onceKey === undefined ? randomUUID() : hashRequest([onceKey, rest]), ...rest }
}

/** What is outdated is told at once; the workflow's step asks again under the row's lock. Other states are the workflow's to judge. */
async function refuseOutdated({ db }: Context, task: TaskRow, { commit }: Move): Promise<void> {
  if (commit === undefined) return
  const spec = task.status === 'spec_review' ? await revisionProblem(db, task, commit) : null
  if (spec !== null) throw new HelixError('revision_outdated', spec, { status: task.status })
  const branch = task.status === 'implementation_review' ? await branchProblem(db, task, commit) : null
  if (branch !== null) throw new HelixError('branch_moved', branch, { status: task.status })
}

/** What the project's rules refuse is told at once too, and asked again with the step. */
async function refuseByRules({ db }: Context, task: TaskRow, { action, actorId }: Move): Promise<void> {
  const subject = action === 'approve_spec' ? 'spec' : action === 'approve_implementation' ? 'implementation' : null
  const problem = subject === null ? null : await approvalProblem(db, task, actorId, subject)
  if (problem !== null) throw new HelixError('transition_refused', problem, { status: task.status })
}

/**
 * Sends a person's request to the task's workflow and throws what it refuses. Answers with what came of one that left the task where it was; else
 * the row has changed when this returns.
 */
export async function moveTask(context: Context, task: TaskRow, move: Move): Promise<string | null> {
  await refuseOutdated(context, task, move)
  await refuseByRules(context, task, move)
  const verdict = await context.temporal.requestTask(task.id, requestOf(move), verdictDeadlineMs)
  context.bus.wake(task.org_id)
  if (!verdict.accepted) throw new HelixError(verdict.code ?? 'transition_refused', verdict.reason ?? undefined, { status: verdict.status })
  return verdict.reason ?? (move.action === 'undo_archive' ? lostByArchiving(task) : null)
}

/** What undoing cannot bring back, for people; null when nothing is lost. `task`: as it was while archived. */
function lostByArchiving({ number, archived_from }: TaskRow): string | null {
  if (archived_from?.status !== 'planning' && archived_from?.status !== 'implementing') return null
  return `The agent of #${number} was stopped: it queues in its old place and begins this step again. What it had not pushed, and messages it had not read, are lost.`
}
