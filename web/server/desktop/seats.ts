import type { UserId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import type { StreamSeat } from '@helix/contract/stream-tickets'
import type { Knex } from 'knex'
import { shareStore } from '../previews/shares/store.ts'
import { SessionStore } from '../sessions/store.ts'

/** Of those who look at desktops the ones who may not any more, or not with the right they came with. */
export async function lostSeats(db: Knex, seats: readonly StreamSeat[]): Promise<StreamSeat[]> {
  const sessions = new SessionStore(db)
  const lost: StreamSeat[] = []
  for (const seat of seats) {
    const session = await sessions.rowOf(seat.sessionId)
    const role = session === null ? null : await shareStore.roleOf(db, session.org_id, seat.userId as UserId, seat.sessionId)
    const needed = seat.right === 'control' ? 'task:write' : 'task:read'
    if (role === null || !roleGrants(role, needed)) lost.push(seat)
  }
  return lost
}
