import type { PictureState, WatchPictures } from '@helix/contract/desktop-pictures'
import type { HostId, SessionId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { HostPictures } from './host-pictures.ts'
import { openReplicaLine } from './replica-line.ts'
import type { Line, Sink } from './sink.ts'
import { type PicturePlace, PictureStore } from './store.ts'

/** Units: milliseconds between looks at where the machines of watched sessions are. */
const lookMs = 3000

/** One tile of one page. */
export interface Tile {
  picture(bytes: Uint8Array): void
  state(state: PictureState): void
}

interface Watched {
  n: number
  tiles: Set<Tile>
  last: Uint8Array | null
  state: PictureState | null
}

/** Small pictures of desktops for all pages of this process. Nothing is asked of a host, and nothing of the database, while nobody watches. */
export class Pictures implements Disposable {
  readonly store: PictureStore
  private readonly config: Pick<Config, 'internalUrl' | 'HELIX_WORKER_TOKEN'>
  private readonly log: Logger
  private readonly hosts = new Map<HostId, HostPictures>()
  private readonly lines = new Map<HostId, Line>()
  private readonly watched = new Map<SessionId, Watched>()
  private readonly byNumber = new Map<number, Watched>()
  private next = 1
  private timer: NodeJS.Timeout | null = null
  private looking: Promise<void> | null = null
  private lookAgain = false

  constructor(db: Knex, config: Pick<Config, 'internalUrl' | 'HELIX_WORKER_TOKEN'>, log: Logger) {
    this.store = new PictureStore(db)
    this.config = config
    this.log = log
  }

  /** The link of a host that sends pictures ends here; the answer forgets it. */
  hold(hostId: HostId, send: (frame: WatchPictures) => void): () => void {
    const pictures = new HostPictures(send)
    this.hosts.get(hostId)?.close()
    this.hosts.set(hostId, pictures)
    if (this.watched.size > 0) this.look()
    return () => {
      pictures.close()
      if (this.hosts.get(hostId) === pictures) this.hosts.delete(hostId)
    }
  }

  /** Null: the link of the host does not end here, or it sends none. */
  hostHere(hostId: HostId): HostPictures | null {
    return this.hosts.get(hostId) ?? null
  }

  /** Whoever asks has seen to it that the session may be seen. The answer ends it. */
  watch(sessionId: SessionId, tile: Tile): () => void {
    const watched = this.watched.get(sessionId) ?? this.begin(sessionId)
    watched.tiles.add(tile)
    if (watched.last !== null) tile.picture(watched.last)
    else if (watched.state !== null) tile.state(watched.state)
    return () => {
      watched.tiles.delete(tile)
      if (watched.tiles.size > 0 || this.watched.get(sessionId) !== watched) return
      this.watched.delete(sessionId)
      this.byNumber.delete(watched.n)
      this.look()
    }
  }

  /** The newest picture of a session that is watched. */
  newest(sessionId: SessionId): Uint8Array | null {
    return this.watched.get(sessionId)?.last ?? null
  }

  [Symbol.dispose](): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.watched.clear()
    for (const line of this.lines.values()) line.end()
    for (const host of this.hosts.values()) host.close()
    this.lines.clear()
  }

  private begin(sessionId: SessionId): Watched {
    const watched: Watched = { n: this.next++, tiles: new Set(), last: null, state: null }
    this.watched.set(sessionId, watched)
    this.byNumber.set(watched.n, watched)
    this.look()
    return watched
  }

  /** One look at a time, and one more for what changed meanwhile. */
  private look(): void {
    this.lookAgain = true
    this.looking ??= this.lookOn().finally(() => {
      this.looking = null
    })
  }

  private async lookOn(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer)
    while (this.lookAgain) {
      this.lookAgain = false
      try {
        const asked = [...this.watched.keys()]
        this.spread(asked, await this.store.places(asked))
      } catch (error) {
        this.log.warn({ err: error }, 'where to get pictures of desktops cannot be found out')
      }
    }
    if (this.watched.size > 0) this.timer = setTimeout(() => this.look(), lookMs).unref()
  }

  /** Each host is told what is watched there; lines without anything end. */
  private spread(asked: readonly SessionId[], places: readonly PicturePlace[]): void {
    const placed = new Set(places.map(({ sessionId }) => sessionId))
    for (const sessionId of asked) if (!placed.has(sessionId)) this.setState(this.watched.get(sessionId), 'none')
    const byHost = Map.groupBy(places, ({ hostId }) => hostId)
    for (const [hostId, line] of this.lines) {
      if (byHost.has(hostId) && line.open) continue
      line.end()
      this.lines.delete(hostId)
    }
    for (const [hostId, there] of byHost) {
      const line = this.lineTo(hostId, there[0]?.address ?? null)
      const items = there.flatMap(({ sessionId, epoch }) => {
        const watched = this.watched.get(sessionId)
        return watched === undefined ? [] : [{ n: watched.n, sessionId, epoch }]
      })
      if (line !== null) line.want(items)
      else for (const { n } of items) this.setState(this.byNumber.get(n), 'none')
    }
  }

  private lineTo(hostId: HostId, address: string | null): Line | null {
    const found = this.lines.get(hostId)
    const here = this.hosts.get(hostId)
    if (found !== undefined) return found
    const sink: Sink = {
      picture: (n, bytes) => this.show(n, bytes),
      state: (n, state) => this.setState(this.byNumber.get(n), state),
    }
    const elsewhere = address !== null && address !== this.config.internalUrl
    if (here === undefined && !elsewhere) return null
    const line = here?.attach(sink) ?? openReplicaLine({ address: address ?? '', hostId, token: this.config.HELIX_WORKER_TOKEN, sink })
    this.lines.set(hostId, line)
    return line
  }

  private show(n: number, bytes: Uint8Array): void {
    const watched = this.byNumber.get(n)
    if (watched === undefined) return
    watched.last = bytes
    watched.state = 'live'
    for (const tile of watched.tiles) tile.picture(bytes)
  }

  private setState(watched: Watched | undefined, state: PictureState): void {
    if (watched === undefined || watched.state === state) return
    watched.state = state
    if (state !== 'live') watched.last = null
    for (const tile of watched.tiles) tile.state(state)
  }
}
