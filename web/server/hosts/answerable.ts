import type { UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { SessionRow } from '../sessions/store.ts'

/**
 * Whose rights the session runs with: who started it while they belong to the organisation, else the person whose message to the agent waits for
 * its next turn, and who takes it over by that. Null: nobody; work does not go on in the name of a person who was sent away.
 */
export async function answerableFor(trx: Knex, session: SessionRow): Promise<UserId | null> {
  const belongs = (userId: string) =>
    trx('memberships').where({ org_id: session.org_id, user_id: userId }).whereNull('deactivated_at').first('user_id')
  const starter = await belongs(session.started_by)
  if (starter !== undefined) return starter.user_id
  const next = await trx('prompts as p')
    .join('memberships as m', (join) => join.on('m.user_id', 'p.author_id').andOn('m.org_id', 'p.org_id'))
    .where({ 'p.org_id': session.org_id, 'p.kind': 'person' })
    .whereIn('p.state', ['queued', 'running'])
    .whereNull('m.deactivated_at')
    .andWhere((which) => {
      which.where('p.session_id', session.id)
      if (session.task_id !== null) which.orWhere('p.task_id', session.task_id)
    })
    .orderBy('p.queued_at', 'desc')
    .first('p.author_id')
  return next?.author_id ?? null
}

/** What the task says meanwhile. */
export function orphaned(name: string): string {
  return `${name}, who started this, has no rights here any more: send the agent a message to take the work over`
}
