import type { HostId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { enqueue } from '../outbox/store.ts'
import type { SessionRow } from '../sessions/store.ts'
import { holding } from './store.ts'

type Moving = Pick<SessionRow, 'id' | 'org_id' | 'task_id' | 'host_id'>

/** Its workflow suspends it as soon as no turn runs; the next prompt finds another host. Told twice, it moves once. */
const tellToMove = (trx: Knex, { id, org_id, task_id, host_id }: Moving): Promise<void> =>
  enqueue(trx, org_id, { kind: 'signalSession', taskId: task_id, sessionId: id, signal: 'suspend', payload: { leaves: host_id } })

/** At the end of a turn. */
export async function moveIfDraining(trx: Knex, session: Moving): Promise<void> {
  const host = await trx('hosts').where({ id: session.host_id, admission: 'draining' }).first('id')
  if (host !== undefined) await tellToMove(trx, session)
}

/** Closes the host and sends away what runs there. Begun again, those that are still there are told again. */
export async function beginDrain(trx: Knex, id: HostId): Promise<void> {
  const there: Moving[] = await trx('agent_sessions')
    .where({ host_id: id })
    .whereIn('state', [...holding])
    .orderBy('id')
    .select('id', 'org_id', 'task_id', 'host_id')
  await trx('hosts')
    .where({ id })
    .update({
      drain_total: trx.raw("case when admission = 'draining' then drain_total else ?::int end", [there.length]),
      admission: 'draining',
    })
  for (const session of there) await tellToMove(trx, session)
}
