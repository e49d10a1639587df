import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { reportProgress } from '@helix/contract/hosts'
import type { HostId, SessionId } from '@helix/contract/ids'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { SessionStore } from '../sessions/store.ts'

/** Shows what a session that starts is at. One that has started, or goes on elsewhere, is left as it is. */
export async function noteProgress(
  context: Context,
  { hostId, sessionId, epoch, text, start }: BodyOf<typeof reportProgress> & { hostId: HostId; sessionId: SessionId },
): Promise<void> {
  const orgId = await context.db.transaction(async (trx) => {
    const sessions = new SessionStore(trx)
    const session = await sessions.lock(trx, hostId, sessionId)
    if (session === null) throw new HelixError('not_found')
    if (session.epoch !== epoch) throw new HelixError('epoch_outdated')
    if (session.state !== 'starting') return null
    await sessions.setReason(trx, sessionId, text)
    if (start !== undefined) await sessions.noteStart(trx, session, { epoch, ...start })
    const { org_id, project_id: projectId, task_id: taskId } = session
    await appendEvent(trx, org_id, { type: 'session.changed', projectId, sessionId, taskId, state: 'starting' })
    return org_id
  })
  if (orgId !== null) context.bus.wake(orgId)
}
