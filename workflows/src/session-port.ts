import type { PromptId, SessionId } from '@helix/contract/ids'
import type { PromptMode } from '@helix/contract/task-work'
import { getExternalWorkflowHandle, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow'
import { agentSessionWorkflowId, cancelTurnSignal, promptSignal, stopSessionSignal } from './messages.ts'

/** A workflow that has ended needs no signals. */
function gone(error: unknown): boolean {
  return error instanceof Error && error.name === 'ExternalWorkflowNotFound' ? true : /not ?found/i.test(String(error))
}

/**
 * Makes sure the session's workflow runs and hands it a prompt. It lives beside the task's workflow, not under it: it outlives a
 * continue-as-new of the task, and is started again when it has ended.
 */
export async function promptSession(sessionId: SessionId, promptId: PromptId, mode?: PromptMode): Promise<void> {
  const message = mode === undefined ? { promptId } : { promptId, mode }
  const handle = getExternalWorkflowHandle(agentSessionWorkflowId(sessionId))
  try {
    await handle.signal(promptSignal, message)
    return
  } catch (error) {
    if (!gone(error)) throw error
  }
  const input = {
    sessionId,
    ownerWorkflowId: workflowInfo().workflowId,
    carried: { epoch: 0, queue: [promptId], seen: [promptId] },
  }
  try {
    await startChild('agentSession', {
      workflowId: agentSessionWorkflowId(sessionId),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
    })
  } catch (error) {
    if (!(error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError')) throw error
    await handle.signal(promptSignal, message)
  }
}

export async function cancelTurn(sessionId: SessionId, promptId: PromptId | null): Promise<void> {
  try {
    await getExternalWorkflowHandle(agentSessionWorkflowId(sessionId)).signal(cancelTurnSignal, { promptId })
  } catch (error) {
    if (!gone(error)) throw error
  }
}

export async function stopSession(sessionId: SessionId, reason: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(agentSessionWorkflowId(sessionId)).signal(stopSessionSignal, { reason })
  } catch (error) {
    if (!gone(error)) throw error
  }
}
