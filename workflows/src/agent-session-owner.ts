import type { PromptId } from '@helix/contract/ids'
import type { TurnResult } from '@helix/contract/link'
import { getExternalWorkflowHandle, log } from '@temporalio/workflow'
import { sessionNoticeSignal, type TurnEnded, turnEndedSignal } from './messages.ts'

/** Who ended a turn, and how it goes on. */
export type Ending = Pick<TurnEnded, 'endedBy' | 'goesOnWith' | 'stopId'>

/** The workflow of the task that a session works for, if it works for one. */
export class SessionOwner {
  private readonly workflowId: string | null

  constructor(workflowId: string | null) {
    this.workflowId = workflowId
  }

  get none(): boolean {
    return this.workflowId === null
  }

  /** What the session waits for or does, in one sentence. */
  async notice(activity: string): Promise<void> {
    await this.send((owner) => owner.signal(sessionNoticeSignal, { activity }))
  }

  async tell(promptId: PromptId, { outcome, message, retryable }: TurnResult, ending: Ending): Promise<void> {
    await this.send((owner) => owner.signal(turnEndedSignal, { promptId, outcome, message, retryable, ...ending }))
  }

  private async send(send: (owner: ReturnType<typeof getExternalWorkflowHandle>) => Promise<void>): Promise<void> {
    if (this.workflowId === null) return
    try {
      await send(getExternalWorkflowHandle(this.workflowId))
    } catch (error) {
      // The task has ended: nobody waits for this any more.
      log.warn('owner not told', { error: String(error) })
    }
  }
}
