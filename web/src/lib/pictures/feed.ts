import { type PictureState, pictureLimits, picturesDown } from '@helix/contract/desktop-pictures'
import type { SessionId } from '@helix/contract/ids'
import { decodeDown } from '@helix/contract/stream-down'

/** Units: milliseconds. Tiles that come into sight together are asked for together. */
const togetherMs = 100
/** Nobody is signed in here any more, or the page speaks another version: asking again helps nothing. */
const final = new Set([4401, 1008])

export interface FeedSocket {
  send(text: string): void
  close(): void
}

export interface FeedEvents {
  open(): void
  message(data: ArrayBuffer | string): void
  close(code: number): void
}

export interface FeedPorts {
  open(events: FeedEvents): FeedSocket
  /** The answer takes it back. */
  later(ms: number, then: () => void): () => void
  pauseMs(attempt: number): number
}

export interface Tile {
  picture(jpeg: Uint8Array): void
  state(state: PictureState): void
}

interface Watched {
  n: number
  tiles: Set<Tile>
}

/** Small pictures for all tiles of this page over one connection, which is there while a tile is in sight and the tab is seen. */
export class PictureFeed {
  private readonly ports: FeedPorts
  private readonly watched = new Map<SessionId, Watched>()
  private readonly byNumber = new Map<number, Watched>()
  private socket: FeedSocket | null = null
  private open = false
  private over = false
  private visible = true
  private next = 1
  private attempt = 0
  private cancel: (() => void) | null = null

  constructor(ports: FeedPorts) {
    this.ports = ports
  }

  /** The tile is in sight; the answer says that it is not any more. */
  watch(sessionId: SessionId, tile: Tile): () => void {
    const watched = this.watched.get(sessionId) ?? { n: this.next++, tiles: new Set() }
    this.watched.set(sessionId, watched)
    this.byNumber.set(watched.n, watched)
    watched.tiles.add(tile)
    this.change()
    return () => {
      watched.tiles.delete(tile)
      if (watched.tiles.size > 0 || this.watched.get(sessionId) !== watched) return
      this.watched.delete(sessionId)
      this.byNumber.delete(watched.n)
      this.change()
    }
  }

  /** Whether anybody sees this tab. */
  seen(visible: boolean): void {
    this.visible = visible
    this.attempt = 0
    this.change()
  }

  private change(): void {
    if (this.over) return
    if (this.socket === null) this.attempt = 0
    this.cancel?.()
    this.cancel = this.ports.later(togetherMs, () => this.settle())
  }

  /** Has a connection exactly while one is wanted, and says on it what is. */
  private settle(): void {
    this.cancel = null
    if (!this.visible || this.watched.size === 0) this.drop()
    else if (this.socket === null) this.dial()
    else if (this.open) this.tell()
  }

  private drop(): void {
    const { socket } = this
    this.socket = null
    this.open = false
    socket?.close()
  }

  private dial(): void {
    const socket = this.ports.open({
      open: () => {
        if (this.socket !== socket) return
        this.open = true
        this.attempt = 0
        this.tell()
      },
      message: (data) => this.socket === socket && this.received(data),
      close: (code) => this.socket === socket && this.lost(code),
    })
    this.socket = socket
  }

  private lost(code: number): void {
    this.socket = null
    this.open = false
    // What is shown is of before.
    for (const { tiles } of this.watched.values()) for (const tile of tiles) tile.state('none')
    this.over ||= final.has(code)
    if (this.over) return
    this.cancel?.()
    this.cancel = this.ports.later(this.ports.pauseMs(this.attempt++), () => this.settle())
  }

  private tell(): void {
    const items = [...this.watched].slice(0, pictureLimits.tiles).map(([sessionId, { n }]) => ({ n, sessionId }))
    this.socket?.send(JSON.stringify({ type: 'watch', items }))
  }

  private received(data: ArrayBuffer | string): void {
    if (typeof data === 'string') {
      const told = picturesDown.safeParse(JSON.parse(data))
      if (told.success) for (const tile of this.byNumber.get(told.data.n)?.tiles ?? []) tile.state(told.data.state)
      return
    }
    const still = decodeDown(new Uint8Array(data))
    if (still.type !== 'still') return
    for (const tile of this.byNumber.get(still.requestId)?.tiles ?? []) tile.picture(still.jpeg)
  }
}
