import type { HostId, OrgId, SessionId } from '@helix/contract/ids'
import { type HostState, memoryOn, type Needs, type Obstacle, obstacleOf, type Share, type Waiting } from './model.ts'
import { reasonFor } from './reasons.ts'

/** Units: milliseconds. Who waits for longer and finds no host with enough room gets one kept free of others until it has. */
const patienceMs = 60_000
/** By processor. A host that works harder is not preferred for what it has in store. */
const busyLoad = 1.5

export interface Decision {
  placed: { id: SessionId; hostId: HostId; memoryMb: number }[]
  /** In the order in which room will be given. */
  left: { id: SessionId; position: number | null; reason: string }[]
}

interface Input {
  hosts: readonly HostState[]
  waiting: readonly Waiting[]
  shares: ReadonlyMap<OrgId, Share>
  /** Units: milliseconds of the epoch. */
  now: number
}

interface Refused extends Waiting {
  /** It could have a host if there were room. */
  queues: boolean
  reason: string
}

/**
 * Who gets which host. Between organisations the one that has least for its weight comes first, then who has waited longest; within one, who has
 * waited longest. What cannot be placed stands in nobody's way.
 */
export function decide({ hosts, waiting, shares, now }: Input): Decision {
  const room = new Room(hosts)
  const placed: Decision['placed'] = []
  const refused: Refused[] = []
  const order = new FairOrder(waiting, shares)
  for (let next = order.next(); next !== null; next = order.next()) {
    const host = room.take(next, now)
    if (host === null) refused.push({ ...next, ...room.refusal(next) })
    else {
      order.count(next.orgId)
      placed.push({ id: next.id, hostId: host.id, memoryMb: memoryOn(host, next.needs) })
    }
  }
  return { placed, left: inLine(refused, order.held) }
}

/** Positions are those that the queue would be worked off in. */
function inLine(refused: readonly Refused[], held: ReadonlyMap<OrgId, Share>): Decision['left'] {
  const line: Refused[] = []
  const order = new FairOrder(
    refused.filter(({ queues }) => queues),
    held,
  )
  for (let next = order.next(); next !== null; next = order.next()) {
    order.count(next.orgId)
    line.push(next as Refused)
  }
  return [
    ...line.map(({ id, reason }, index) => ({
      id,
      position: index + 1,
      reason: `Position ${index + 1} of ${line.length}: ${reason}`,
    })),
    ...refused
      .filter(({ queues }) => !queues)
      .map(({ id, reason }) => ({ id, position: null, reason: `${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}` })),
  ]
}

/** Hands out who is next, while the shares change by what is counted. */
class FairOrder<W extends Waiting> {
  readonly held: Map<OrgId, Share>
  private readonly lines: Map<OrgId, W[]>

  constructor(waiting: readonly W[], shares: ReadonlyMap<OrgId, Share>) {
    this.held = new Map([...shares].map(([orgId, share]) => [orgId, { ...share }]))
    const byAge = waiting.toSorted((a, b) => b.askedAt - a.askedAt || (a.id < b.id ? 1 : -1))
    // The longest waiting is at the end of its line.
    this.lines = Map.groupBy(byAge, ({ orgId }) => orgId)
    for (const orgId of this.lines.keys()) if (!this.held.has(orgId)) this.held.set(orgId, { held: 0, weight: 1 })
  }

  next(): W | null {
    let first: { line: W[]; share: number; askedAt: number } | null = null
    for (const [orgId, line] of this.lines) {
      const askedAt = line.at(-1)?.askedAt
      if (askedAt === undefined) continue
      const { held, weight } = this.held.get(orgId) as Share
      const share = held / weight
      if (first === null || share < first.share || (share === first.share && askedAt < first.askedAt)) first = { line, share, askedAt }
    }
    return first?.line.pop() ?? null
  }

  count(orgId: OrgId): void {
    const share = this.held.get(orgId) as Share
    share.held += 1
  }
}

/** What is free of the hosts; room only shrinks, so that what was refused once is refused for all that ask the same. */
class Room {
  private readonly hosts: HostState[]
  private readonly refused = new Map<string, { queues: boolean; reason: string }>()
  /** Kept for a session that waited long: nobody else gets into it. */
  private kept: HostId | null = null

  constructor(hosts: readonly HostState[]) {
    this.hosts = hosts.map((host) => ({ ...host }))
  }

  take(asker: Waiting, now: number): HostState | null {
    if (this.refused.has(keyOf(asker))) return null
    const host = this.hosts.reduce<HostState | null>(
      (best, host) =>
        this.obstacle(host, asker) === null && (best === null || preferred(host, best, asker.needs, asker.orgId) < 0) ? host : best,
      null,
    )
    if (host === null) return this.refuse(asker, now)
    host.taken += 1
    host.takenMb += memoryOn(host, asker.needs)
    return host
  }

  refusal(asker: Waiting): { queues: boolean; reason: string } {
    return this.refused.get(keyOf(asker)) as { queues: boolean; reason: string }
  }

  private obstacle(host: HostState, { needs, orgId }: Waiting): Obstacle | null {
    return obstacleOf(host, needs, orgId) ?? (host.id === this.kept ? 'kept' : null)
  }

  private refuse(asker: Waiting, now: number): null {
    const looked = this.hosts.map((host) => ({ host, obstacle: this.obstacle(host, asker) }))
    this.refused.set(keyOf(asker), reasonFor(asker.needs, looked))
    if (this.kept !== null || now - asker.askedAt < patienceMs) return null
    const roomless = looked.filter(({ obstacle }) => obstacle === 'places' || obstacle === 'memory').map(({ host }) => host)
    // The one that has enough soonest, as far as can be seen.
    this.kept = roomless.toSorted((a, b) => freeMb(b) - freeMb(a) || (a.id < b.id ? -1 : 1))[0]?.id ?? null
    return null
  }
}

const freeMb = (host: HostState): number => (host.roomMb === null ? host.places - host.taken : host.roomMb - host.takenMb)

const keys = new WeakMap<Needs, string>()

/** What two must have in common to be refused alike. */
function keyOf({ needs, orgId }: Waiting): string {
  const known = keys.get(needs) ?? JSON.stringify(needs)
  keys.set(needs, known)
  return orgId + known
}

/** Its own hosts before those of all, whole machines before smaller ones, what is in store before what must be fetched, and then the least loaded. */
function preferred(one: HostState, other: HostState, needs: Needs, orgId: OrgId): number {
  const own = Number(other.group === orgId) - Number(one.group === orgId)
  if (own !== 0) return own
  const whole = memoryOn(other, needs) - memoryOn(one, needs)
  if (whole !== 0) return whole
  const warm = warmth(other, needs) - warmth(one, needs)
  if (warm !== 0) return warm
  return fill(one) - fill(other) || one.load - other.load || (one.id < other.id ? -1 : 1)
}

function warmth(host: HostState, { image, runtime }: Needs): number {
  if (host.load > busyLoad) return 0
  return (image === null || host.images.has(image) ? 2 : 0) + (host.packs.has(runtime) ? 1 : 0)
}

/** How full it is, against its weight. */
function fill(host: HostState): number {
  const memory = host.roomMb === null || host.roomMb === 0 ? 0 : host.takenMb / host.roomMb
  return Math.max(host.taken / Math.max(1, host.places), memory) / host.weight
}
