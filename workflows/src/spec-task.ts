import { allHandlersFinished, condition, continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow'
import { control } from './control.ts'
import { Inbox } from './inbox.ts'
import {
  budgetRaisedSignal,
  personPromptSignal,
  pushedSignal,
  requestUpdate,
  type SpecTaskInput,
  sessionNoticeSignal,
  slotFreedSignal,
  stateQuery,
  turnEndedSignal,
} from './messages.ts'
import { SpecTask } from './spec-task-moves.ts'
import { isResting } from './spec-task-transitions.ts'

/** Continue-as-new is due after this many handled messages even when the server does not suggest it. */
const messagesPerRun = 500

/**
 * One spec task from the backlog to merged. Everything it does comes through one inbox and is handled in turn; the row in Postgres is written by
 * compare-and-set on the step number before anybody hears a verdict.
 */
export async function specTask(input: SpecTaskInput): Promise<void> {
  const inbox = new Inbox(input.carried?.seen ?? [])
  setHandler(requestUpdate, (request) => inbox.ask(request))
  setHandler(turnEndedSignal, (turn) => inbox.tell({ kind: 'turnEnded', turn }))
  setHandler(slotFreedSignal, () => inbox.tell({ kind: 'slotFreed' }))
  setHandler(personPromptSignal, (prompt) => inbox.tell({ kind: 'personPrompt', prompt }))
  setHandler(sessionNoticeSignal, (notice) => inbox.tell({ kind: 'notice', activity: notice.activity }))
  setHandler(budgetRaisedSignal, ({ stopId }) => inbox.tell({ kind: 'budgetRaised', stopId }))
  // A push is a hint; what it brought is looked up when the turn ends.
  setHandler(pushedSignal, () => {})

  const task = new SpecTask(await control.loadTask({ taskId: input.taskId }), input.carried)
  setHandler(stateQuery, () => task.describe())
  task.publishStatus()
  await task.resume().catch((error) => task.broken(error))

  let handled = 0
  while (!(isResting(task.status) && inbox.empty)) {
    const message = await inbox.next(task.waitMs())
    await (message === null ? task.timeIsUp() : task.handle(message)).catch((error) => task.broken(error))
    handled += 1
    if ((workflowInfo().continueAsNewSuggested || handled >= messagesPerRun) && inbox.empty) {
      await condition(allHandlersFinished)
      if (inbox.empty) await continueAsNew<typeof specTask>({ taskId: input.taskId, carried: task.carry(inbox.seen) })
    }
  }
  await condition(allHandlersFinished)
}
