import type { HostId, OrgId, SessionId } from '@helix/contract/ids'
import { atLeast, type Rung } from '@helix/contract/isolation'

/** What a session asks of its host. */
export interface Needs {
  /** Units: MiB. */
  memoryMb: number
  labels: Readonly<Record<string, string>>
  minimumRung: Rung | null
  /** Its project limits what it reaches: only a host that filters may have it. */
  filtered: boolean
  /** Null: the installation's own. */
  image: string | null
  runtime: string
  /** The host that keeps its suspended machine: it goes nowhere else. */
  home: HostId | null
}

export interface Waiting {
  id: SessionId
  orgId: OrgId
  /** Units: milliseconds of the epoch. */
  askedAt: number
  needs: Needs
}

export type Admission = 'open' | 'cordoned' | 'draining'

/** A host with all that it was promised: sessions that run there and reservations. */
export interface HostState {
  id: HostId
  name: string
  places: number
  taken: number
  /** Units: MiB of sizes it takes in sum, and the largest it can give; null: it does not say. */
  roomMb: number | null
  largestMb: number | null
  takenMb: number
  /** Of the taken places: sessions between turns, which are suspended soon. */
  idle: number
  /** How much of the spread it gets, against 1. */
  weight: number
  labels: Readonly<Record<string, string>>
  /** Dedicated to this organisation; null: open to all. */
  group: OrgId | null
  rung: string
  filtered: boolean
  images: ReadonlySet<string>
  packs: ReadonlySet<string>
  /** By processor. */
  load: number
  silent: boolean
  problem: string | null
  admission: Admission
}

/** What an organisation has of all hosts, and its share against 1. */
export interface Share {
  held: number
  weight: number
}

/** Why a host does not get a session, in the order in which it is looked at. */
export type Obstacle =
  | 'group'
  | 'elsewhere'
  | 'silent'
  | 'labels'
  | 'rung'
  | 'egress'
  | 'problem'
  | 'draining'
  | 'cordoned'
  | 'places'
  | 'memory'
  | 'kept'

/** Units: MiB. A host that has less than is asked for gives what it has. */
export const memoryOn = (host: Pick<HostState, 'largestMb'>, needs: Needs): number => Math.min(needs.memoryMb, host.largestMb ?? Infinity)

export function obstacleOf(host: HostState, needs: Needs, orgId: OrgId): Obstacle | null {
  if (host.group !== null && host.group !== orgId) return 'group'
  if (needs.home !== null && needs.home !== host.id) return 'elsewhere'
  if (host.silent) return 'silent'
  return unfitness(host, needs) ?? closedness(host, needs) ?? fullness(host, needs)
}

function unfitness(host: HostState, needs: Needs): Obstacle | null {
  if (Object.entries(needs.labels).some(([key, value]) => host.labels[key] !== value)) return 'labels'
  if (needs.minimumRung !== null && !atLeast(host.rung, needs.minimumRung)) return 'rung'
  return needs.filtered && !host.filtered ? 'egress' : null
}

/** What lives on a cordoned host may come back to it. */
function closedness(host: HostState, needs: Needs): Obstacle | null {
  if (host.problem !== null) return 'problem'
  if (host.admission === 'draining') return 'draining'
  return host.admission === 'cordoned' && needs.home !== host.id ? 'cordoned' : null
}

function fullness(host: HostState, needs: Needs): Obstacle | null {
  if (host.taken >= host.places) return 'places'
  if (host.roomMb !== null && host.takenMb + memoryOn(host, needs) > host.roomMb) return 'memory'
  return null
}
