import type { ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { HostId, SessionId } from '@helix/contract/ids'
import type { placeSession } from '@helix/contract/internal'
import { hostQueue } from '@helix/workflows/messages'
import { appendEvent } from '../events/store.ts'
import { HostStore, silentAfter } from '../hosts/store.ts'
import { locate } from '../internal/sessions.ts'
import { type SessionRow, SessionStore } from '../sessions/store.ts'
import { giveAway, type Placing } from './room.ts'
import { holding, PlacementStore } from './store.ts'

/** Units: seconds. For that long those who ask again are told what was found for all; a place that gets free reaches them by a signal. */
const toldFor = 5

type Answer = ResponseOf<typeof placeSession>

/** Where the session runs or is to be started. Asked twice, it is the same host; asking keeps its reservation, or its place in the queue. */
export async function place(context: Placing, id: SessionId): Promise<Answer> {
  const { epoch, idleMs = 0, endsAt = null, queue, waitForHost, reason } = await locate(context, id)
  const session = await new SessionStore(context.db).rowOf(id)
  if (session === null) throw new HelixError('not_found')
  const told = { epoch, idleMs, endsAt }
  const waits = async (reason: string, position: number | null = null): Promise<Answer> => {
    await tellWhy(context, session, reason)
    return { placed: false, position, reason, ...told }
  }
  if (session.state === 'stopped') return waits('The session has stopped')
  if (waitForHost) return waits(reason ?? 'Waits for its sandbox host')
  if (queue !== null && session.host_id !== null && holding.includes(session.state))
    return { placed: true, hostId: session.host_id, queue, ...told }
  const { hostId, ...line } = (await asked(context, id)) ?? (await decided(context, session))
  if (hostId === null) return waits(line.reason ?? 'Waits for a sandbox host with room', line.position)
  const host = await new HostStore(context.db).find(hostId)
  if (host === null || host.boot_id === null) return waits('The sandbox host left: looking for another')
  return { placed: true, hostId, queue: hostQueue(hostId, host.boot_id), ...told }
}

/** Its page says what the session waits for; a session of a task says so on the card too. */
async function tellWhy(context: Placing, { id, org_id, project_id, task_id, state, reason: before }: SessionRow, reason: string) {
  if (before === reason || state === 'stopped') return
  await context.db.transaction(async (trx) => {
    if ((await trx('agent_sessions').where({ id, state }).update({ reason })) === 1)
      await appendEvent(trx, org_id, { type: 'session.changed', projectId: project_id, sessionId: id, taskId: task_id, state })
  })
  context.bus.wake(org_id)
}

interface Line {
  hostId: HostId | null
  position: number | null
  reason: string | null
}

/** What is known of a session that asked before, without looking at the hosts again; null: they must be looked at. */
async function asked(context: Placing, id: SessionId): Promise<Line | null> {
  const store = new PlacementStore(context.db)
  const row = await store.find(id)
  if (row === null) return null
  if (row.host_id === null && (row.decided_ago === null || row.decided_ago > toldFor)) return null
  if (row.host_id !== null && !(await takesNew(context, row.host_id))) return null
  if (!(await store.asksAgain(id, row.host_id))) return null
  return { hostId: row.host_id, position: row.position, reason: row.reason }
}

async function takesNew(context: Placing, id: HostId): Promise<boolean> {
  const host = await new HostStore(context.db).find(id)
  return host !== null && host.silent_for < silentAfter && host.report?.problem == null && host.admission === 'open'
}

async function decided(context: Placing, { id, org_id: orgId }: SessionRow): Promise<Line> {
  const waits = new PlacementStore(context.db)
  const before = await waits.find(id)
  await waits.join(id, orgId)
  let others = false
  const line = await context.db.transaction(async (trx) => {
    const store = new PlacementStore(trx)
    await store.lock()
    await store.endReservations()
    // Whoever had the lock before decided for all who waited.
    const given = (await store.find(id))?.host_id ?? null
    if (given !== null) return { hostId: given, position: null, reason: null }
    const { placed, left } = await giveAway(trx, [id])
    others = placed.some((one) => one.id !== id)
    // All are told by the first who asks again, and a newcomer by itself.
    const told = before?.decided_ago == null ? left.filter((one) => one.id === id) : left
    if (told.length > 0) await store.tellPositions(told)
    const now = left.find((one) => one.id === id)
    const hostId = placed.find((one) => one.id === id)?.hostId ?? null
    return { hostId, position: now?.position ?? null, reason: now?.reason ?? null }
  })
  if (others) context.outbox.nudge()
  return line
}
