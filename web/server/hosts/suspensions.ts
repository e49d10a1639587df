import { HelixError } from '@helix/contract/errors'
import type { HostId, SessionId } from '@helix/contract/ids'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { enqueue } from '../outbox/store.ts'
import { roomChanged } from '../placement/room.ts'
import { holding } from '../placement/store.ts'
import { SessionStore } from '../sessions/store.ts'

interface Suspension {
  hostId: HostId
  sessionId: SessionId
  epoch: number
  reason: string
}

/**
 * A host stopped the machine of a session by itself, or found it ended: the row says so at once, and the session's workflow hears of it. A turn that ran
 * goes on with the next start. Told twice, it is written once; an older start says nothing of a newer one.
 */
export async function noteSuspension(context: Context, { hostId, sessionId, epoch, reason }: Suspension): Promise<void> {
  const orgId = await context.db.transaction(async (trx) => {
    const session = await new SessionStore(trx).lock(trx, hostId, sessionId)
    if (session === null) throw new HelixError('not_found')
    if (session.epoch !== epoch) throw new HelixError('epoch_outdated')
    if (!holding.includes(session.state)) return null
    const { id, org_id, project_id: projectId, task_id: taskId } = session
    await trx('agent_sessions').where({ id }).update({ state: 'suspended', reason })
    await appendEvent(trx, org_id, { type: 'session.changed', projectId, sessionId, taskId, state: 'suspended' })
    await enqueue(trx, org_id, { kind: 'signalSession', taskId, sessionId, signal: 'suspend', payload: { reason, epoch } })
    return org_id
  })
  if (orgId === null) return
  context.bus.wake(orgId)
  context.outbox.nudge()
  await roomChanged(context)
}
