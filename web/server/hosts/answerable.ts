import type { UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { SessionRow } from '../sessions/store.ts'

export interface Answerable {
  id: UserId
  name: string
  email: string
}

/**
 * Whose rights the session runs with: who started it while they belong to the organisation, else the person whose message to the agent waits for
 * its next turn, and who takes it over by that. Null: nobody; work does not go on in the name of a person who was sent away.
 */
export async function answerableFor(trx: Knex, session: SessionRow): Promise<Answerable | null> {
  const starter = await trx('memberships as m')
    .join('users as u', 'u.id', 'm.user_id')
    .where({ 'm.org_id': session.org_id, 'm.user_id': session.started_by })
    .whereNull('m.deactivated_at')
    .first('u.id', 'u.name', 'u.email')
  if (starter !== undefined) return starter
  const next = await trx('prompts as p')
    .join('memberships as m', (join) => join.on('m.user_id', 'p.author_id').andOn('m.org_id', 'p.org_id'))
    .join('users as u', 'u.id', 'p.author_id')
    .where({ 'p.org_id': session.org_id, 'p.kind': 'person' })
    .whereIn('p.state', ['queued', 'running'])
    .whereNull('m.deactivated_at')
    .andWhere((which) => {
      which.where('p.session_id', session.id)
      if (session.task_id !== null) which.orWhere('p.task_id', session.task_id)
    })
    .orderBy('p.queued_at', 'desc')
    .first('u.id', 'u.name', 'u.email')
  return next ?? null
}

/** What the task says meanwhile. */
export function orphaned(name: string): string {
  return `${name}, who started this, has no rights here any more: send the agent a message to take the work over`
}
