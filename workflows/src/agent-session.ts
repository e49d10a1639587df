import { allHandlersFinished, condition, continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow'
import { Session } from './agent-session-turns.ts'
import {
  type AgentSessionInput,
  cancelTurnSignal,
  placeFreedSignal,
  promptSignal,
  stopSessionSignal,
  suspendSignal,
  wakeSignal,
} from './messages.ts'

const promptsPerRun = 200

/** One agent session: keeps it placed and running while there are prompts, suspends it when idle, and removes it when it is stopped or its time is over. */
export async function agentSession(input: AgentSessionInput): Promise<void> {
  const session = new Session(input)
  setHandler(promptSignal, ({ promptId, mode }) => session.take(promptId, mode))
  setHandler(cancelTurnSignal, ({ promptId, by }) => session.cancel(promptId, by === 'person' ? { endedBy: 'stopped' } : {}))
  setHandler(stopSessionSignal, ({ reason }) => session.stop(reason))
  setHandler(suspendSignal, (asked) => session.askToSuspend(asked))
  setHandler(wakeSignal, () => session.askToWake())
  setHandler(placeFreedSignal, () => session.home.hostWait.wake())

  for (let handled = 0; !session.stopped; ) {
    const woken = await session.limits.idle(
      () => session.calls || session.suspendAsked || session.home.mustLeave,
      () => session.usedFor(),
    )
    const parks = (session.suspendAsked && !session.calls) || (session.home.mustLeave && !session.stopped)
    if (!woken || parks) {
      await session.suspend()
      await condition(() => session.calls)
    }
    if (session.stopped) break
    if (session.limits.over) {
      await session.home.expire()
      continue
    }
    if (session.wakeAsked && !session.waiting) {
      await session.wake()
      if (!session.wakeAsked) continue
    } else await session.runNextTurn()
    handled += 1
    if ((handled >= promptsPerRun || workflowInfo().continueAsNewSuggested) && !session.stopped) {
      await condition(allHandlersFinished)
      await continueAsNew<typeof agentSession>({ ...input, carried: session.carry() })
    }
  }
  await session.remove()
  // What came after the stop is for its next life: the task was brought back meanwhile.
  if (session.waiting) await continueAsNew<typeof agentSession>({ ...input, carried: session.carry() })
}
