import type { SessionId } from '@helix/contract/ids'
import type { SessionState } from '@helix/contract/sessions'
import type { Context } from '../context.ts'
import { hurry } from '../outbox/store.ts'
import { SessionStore } from '../sessions/store.ts'
import { type Newcomer, placeOfNewcomer } from './newcomers.ts'
import { place } from './place.ts'
import type { Placing } from './room.ts'

/** Without a machine. */
const asleep: readonly SessionState[] = ['queued', 'suspended']
/**
 * Units: milliseconds. What a session's workflow is told of a start that is under way can wait until its machine is there; and where there is nothing for
 * the agent to do, until whoever wanted it has it.
 */
const workflowMs = 500
export const wakeLaterMs = 2000

type Early = Placing & Pick<Context, 'log' | 'tunnels'>

/**
 * Gives a session that is wanted its place before its workflow asks for one, and has the host begin at once. What keeps it from that is the workflow's to
 * find: the outbox, which the caller has filled, tells it. `laterMs`: what the caller filled in is due then.
 */
export async function placeEarly(context: Early, session: SessionId | Newcomer, laterMs = workflowMs): Promise<void> {
  const sessionId = typeof session === 'string' ? session : session.id
  const begun = await begin(context, session).catch((error: unknown) => {
    context.log.warn({ err: error, sessionId }, 'a session is not placed early')
    return false
  })
  if (begun) return void setTimeout(() => context.outbox.nudge(), laterMs).unref()
  // The sweep finds it later.
  if (laterMs > workflowMs) await hurry(context.db, sessionId).catch(() => undefined)
  context.outbox.nudge()
}

/** Whether a host was told to begin. */
async function begin(context: Early, session: SessionId | Newcomer): Promise<boolean> {
  if (typeof session !== 'string') {
    const hostId = await placeOfNewcomer(context, session)
    return hostId !== null && context.tunnels.announce(hostId, session.id, 0)
  }
  const row = await new SessionStore(context.db).rowOf(session)
  if (row === null || !asleep.includes(row.state)) return false
  const placed = await place(context, session)
  return placed.placed && context.tunnels.announce(placed.hostId, session, placed.epoch)
}
