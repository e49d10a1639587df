import type { SessionId } from '@helix/contract/ids'
import type { SessionState } from '@helix/contract/sessions'
import type { Context } from '../context.ts'
import { SessionStore } from '../sessions/store.ts'
import { place } from './place.ts'
import type { Placing } from './room.ts'

/** Without a machine. */
const asleep: readonly SessionState[] = ['queued', 'suspended']

/** Units: milliseconds. What a session's workflow is told of a start that is under way can wait until its machine is there. */
const workflowMs = 500

/**
 * Gives a session that is wanted its place before its workflow asks for one, and has the host begin at once. What keeps it from that is the workflow's to
 * find: the outbox, which the caller has filled, tells it.
 */
export async function placeEarly(context: Placing & Pick<Context, 'log' | 'tunnels'>, sessionId: SessionId): Promise<void> {
  const begun = await begin(context, sessionId).catch((error: unknown) => {
    context.log.warn({ err: error, sessionId }, 'a session is not placed early')
    return false
  })
  if (begun) setTimeout(() => context.outbox.nudge(), workflowMs).unref()
  else context.outbox.nudge()
}

/** Whether a host was told to begin. */
async function begin(context: Placing & Pick<Context, 'tunnels'>, sessionId: SessionId): Promise<boolean> {
  const session = await new SessionStore(context.db).rowOf(sessionId)
  if (session === null || !asleep.includes(session.state)) return false
  const placed = await place(context, sessionId)
  return placed.placed && context.tunnels.announce(placed.hostId, sessionId, placed.epoch)
}
