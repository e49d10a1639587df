import type { SessionId } from '@helix/contract/ids'
import type { SessionState } from '@helix/contract/sessions'
import type { Logger } from 'pino'
import { SessionStore } from '../sessions/store.ts'
import { place } from './place.ts'
import type { Placing } from './room.ts'

/** Without a machine. */
const asleep: readonly SessionState[] = ['queued', 'suspended']

/**
 * Gives a session that is wanted its place before its workflow asks for one, so that its host begins at once. What keeps it from that is the workflow's to
 * find.
 */
export async function placeEarly(context: Placing & { log: Pick<Logger, 'warn'> }, sessionId: SessionId): Promise<void> {
  try {
    const session = await new SessionStore(context.db).rowOf(sessionId)
    if (session === null || !asleep.includes(session.state)) return
    const placed = await place(context, sessionId)
    if (placed.placed) context.bus.wake(placed.hostId)
  } catch (error) {
    context.log.warn({ err: error, sessionId }, 'a session is not placed early')
  }
}
