import { getFleet } from '@helix/contract/fleet'
import type { Scratch } from '../stack/scratch.ts'
import type { Places } from './host-loss-places.ts'
import type { Finding } from './kill-findings.ts'

/** Units: seconds. A host counts as silent after 30 and as lost after 90; it reported up to 10 before the cut, and half a link is given up after 20. */
const silentBy = 65
const movedFrom = 80
/** A cut that lasts as long makes its host lost. */
const loses = 100

export interface Partition {
  host: string
  direction: string
  lasted: number
  sessions: number
  /** Units: seconds from the cut; null: not seen. */
  offlineAfter: number | null
  movedAfter: number | null
  moved: number
  /** Sessions that the silent host was given. */
  given: number
  /** Sessions whose containers on the host were removed, of those that went elsewhere. */
  cleared: boolean
}

/** What becomes of one host's sessions while it is cut off. */
export class CutWatch implements Disposable {
  offlineAfter: number | null = null
  movedAfter: number | null = null
  private readonly begun = Date.now()
  private readonly there: string[]
  private readonly left = new Set<string>()
  private known: Set<string> | null = null
  private readonly given = new Set<string>()
  private readonly timer: NodeJS.Timeout

  constructor(scratch: Scratch, places: Places, hostId: string) {
    this.there = places.on(hostId).map(({ sessionId }) => sessionId)
    this.timer = setInterval(() => {
      this.lookForMoves(places, hostId)
      this.lookAtHost(scratch, hostId).catch(() => undefined)
    }, 500)
  }

  get seen(): Pick<Partition, 'sessions' | 'offlineAfter' | 'movedAfter' | 'moved' | 'given'> {
    const { offlineAfter, movedAfter } = this
    return { sessions: this.there.length, offlineAfter, movedAfter, moved: this.left.size, given: this.given.size }
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer)
  }

  private get now(): number {
    return (Date.now() - this.begun) / 1000
  }

  private lookForMoves(places: Places, hostId: string): void {
    for (const id of this.there) if (places.now.some((place) => place.sessionId === id && place.hostId !== hostId)) this.left.add(id)
    if (this.left.size > 0) this.movedAfter ??= this.now
  }

  private async lookAtHost(scratch: Scratch, hostId: string): Promise<void> {
    const host = (await scratch.call(getFleet, {})).hosts.find(({ id }) => id === hostId)
    if (host === undefined || host.online) return
    this.offlineAfter ??= this.now
    const ids = host.sessionsThere.flatMap(({ id }) => (id === null ? [] : [id]))
    this.known ??= new Set(ids)
    for (const id of ids) if (!this.known.has(id)) this.given.add(id)
  }
}

export function cutFindings(made: readonly Partition[]): Finding[] {
  const long = made.filter(({ lasted }) => lasted >= loses)
  const all = (what: string, of: readonly Partition[], holds: (one: Partition) => boolean, seen: (one: Partition) => unknown): Finding => ({
    what,
    holds: of.every(holds),
    seen: of.map(seen).join(', '),
  })
  const round = (seconds: number | null): string => (seconds === null ? '-' : `${seconds.toFixed(0)} s`)
  return [
    all(
      'a host that is cut off counts as silent',
      long,
      ({ offlineAfter }) => offlineAfter !== null && offlineAfter <= silentBy,
      (one) => round(one.offlineAfter),
    ),
    all(
      'a silent host was given nothing new',
      made,
      ({ given }) => given === 0,
      ({ given }) => given,
    ),
    all(
      'no session left its host before it was lost',
      made,
      ({ movedAfter }) => movedAfter === null || movedAfter >= movedFrom,
      (one) => round(one.movedAfter),
    ),
    {
      what: 'sessions of lost hosts were placed anew',
      holds: long.some(({ moved }) => moved > 0),
      seen: long.map(({ moved }) => moved).join(', '),
    },
    all(
      'every host that came back cleared what went elsewhere',
      made,
      ({ cleared }) => cleared,
      ({ cleared }) => cleared,
    ),
  ]
}
