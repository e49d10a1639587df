import type { HostId, SessionId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { SessionRow } from '../sessions/store.ts'
import { memoryOn, type Obstacle, obstacleOf } from './model.ts'
import { holding, needsOf, PlacementStore } from './store.ts'

type Admitted = { refusal: string } | { refusal: null; memoryMb: number | null }

export const hasPlaceOn = ({ host_id, state }: Pick<SessionRow, 'host_id' | 'state'>, hostId: HostId): boolean =>
  host_id === hostId && holding.includes(state)

/**
 * Before the session's row is locked: whoever has a place or a reservation here needs no lock, all others take one of all that is free. Answers
 * whether it is held.
 */
export async function lockUnlessReserved(trx: Knex, sessionId: SessionId, hostId: HostId): Promise<boolean> {
  const found = await trx('agent_sessions as s')
    .leftJoin('session_places as w', 'w.session_id', 's.id')
    .where({ 's.id': sessionId })
    .first('s.host_id', 's.state', 'w.host_id as reserved_on')
  if (found !== undefined && (hasPlaceOn(found, hostId) || found.reserved_on === hostId)) return false
  await new PlacementStore(trx).lock()
  return true
}

/** Gives the session, whose row is locked, its place on the host that asks for it. */
export async function admit(trx: Knex, session: SessionRow, hostId: HostId, locked: boolean): Promise<Admitted> {
  const store = new PlacementStore(trx)
  if (hasPlaceOn(session, hostId)) return { refusal: null, memoryMb: session.memory_mb }
  const reserved = await store.use(session.id, hostId)
  if (reserved !== null) return { refusal: null, memoryMb: reserved.memoryMb }
  if (!locked) return { refusal: 'Its reservation lapsed: it is placed again' }
  const elsewhere = (await store.find(session.id))?.host_id ?? null
  if (elsewhere !== null) return { refusal: 'The session is given to another host' }
  const { hosts } = await store.state()
  const host = hosts.find(({ id }) => id === hostId)
  const row = await store.needs(session.id)
  if (host === undefined || row === null) return { refusal: 'This host is not known' }
  const needs = needsOf(row, session.host_id === hostId ? hostId : null)
  const obstacle = obstacleOf(host, needs, session.org_id)
  if (obstacle !== null) return { refusal: sentences[obstacle](host) }
  await store.leave(session.id)
  return { refusal: null, memoryMb: memoryOn(host, needs) }
}

type Sentence = (host: { name: string; places: number; problem: string | null }) => string

const sentences: Record<Obstacle, Sentence> = {
  group: ({ name }) => `${name} belongs to another organisation`,
  elsewhere: () => 'The session lives on another host',
  silent: ({ name }) => `${name} is silent`,
  labels: ({ name }) => `${name} does not have the labels that the project asks for`,
  rung: ({ name }) => `${name} isolates less than the project asks for`,
  egress: ({ name }) => `${name} cannot keep its sessions from anything`,
  problem: ({ problem }) => `The sandbox host cannot run sessions: ${problem}`,
  draining: ({ name }) => `${name} is being drained`,
  cordoned: ({ name }) => `${name} is cordoned and takes nothing new`,
  places: ({ name, places }) => `Every place is taken: ${places} of ${places} sessions run on ${name}`,
  memory: ({ name }) => `${name} has too little memory left`,
  kept: ({ name }) => `The room on ${name} is kept for another session`,
}
