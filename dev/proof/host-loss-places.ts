import { type SessionContainer, sessionContainers } from '../stack/session-containers.ts'

type Place = Pick<SessionContainer, 'sessionId' | 'epoch' | 'hostId'>

const running = async (installations: readonly string[]): Promise<Place[]> =>
  (await Promise.all(installations.map((installation) => sessionContainers(installation)))).flat()

/** Looks each second where sessions run. */
export class Places implements Disposable {
  /** Where each session was, one entry for each change of its host. */
  readonly ways = new Map<string, string[]>()
  /** One session with one epoch on two hosts. */
  readonly doubled = new Set<string>()
  private readonly homes = new Map<string, string>()
  private readonly timer: NodeJS.Timeout
  now: Place[] = []

  constructor(installations: readonly string[]) {
    const look = (): void =>
      void running(installations).then(
        (places) => this.note(places),
        () => undefined,
      )
    this.timer = setInterval(look, 1000)
  }

  on(hostId: string): Place[] {
    return this.now.filter((place) => place.hostId === hostId)
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer)
  }

  private note(places: Place[]): void {
    this.now = places
    for (const { sessionId, epoch, hostId } of places) {
      const key = `${sessionId} epoch ${epoch}`
      if ((this.homes.get(key) ?? hostId) !== hostId) this.doubled.add(key)
      this.homes.set(key, hostId)
    }
    for (const { sessionId, hostId } of newest(places)) {
      const way = this.ways.get(sessionId) ?? []
      if (way.at(-1) !== hostId) this.ways.set(sessionId, [...way, hostId])
    }
  }
}

function newest(places: readonly Place[]): Place[] {
  const found = new Map<string, Place>()
  for (const place of places) if (place.epoch > (found.get(place.sessionId)?.epoch ?? 0)) found.set(place.sessionId, place)
  return [...found.values()]
}
