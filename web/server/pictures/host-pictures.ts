import { type PictureState, pictureLimits, type WatchPictures } from '@helix/contract/desktop-pictures'
import type { SessionId } from '@helix/contract/ids'
import { stillHead } from '@helix/contract/stream-down'
import type { Line, Sink, Wanted } from './sink.ts'

/** Units: milliseconds. Changes that come together are told together. */
const togetherMs = 30

interface Watched {
  n: number
  sessionId: SessionId
  epoch: number
  sinks: Map<Sink, number>
  last: Uint8Array | null
  state: PictureState | null
}

const keyOf = ({ sessionId, epoch }: Pick<Wanted, 'sessionId' | 'epoch'>): string => `${sessionId} ${epoch}`

/** What is watched on one host whose link ends here: each session once, whoever watches it. */
export class HostPictures {
  private readonly send: (frame: WatchPictures) => void
  private readonly watched = new Map<string, Watched>()
  private readonly byNumber = new Map<number, Watched>()
  private readonly lines = new Set<Sink>()
  private next = 1
  private timer: NodeJS.Timeout | null = null
  private readonly lease: NodeJS.Timeout
  private over = false

  constructor(send: (frame: WatchPictures) => void) {
    this.send = send
    this.lease = setInterval(() => this.watched.size > 0 && this.tell(), pictureLimits.leaseMs / 3).unref()
  }

  attach(sink: Sink): Line {
    this.lines.add(sink)
    const isOpen = (): boolean => !this.over && this.lines.has(sink)
    return {
      get open() {
        return isOpen()
      },
      want: (items) => this.want(sink, items),
      end: () => {
        this.want(sink, [])
        this.lines.delete(sink)
      },
    }
  }

  /** The link ended. */
  close(): void {
    this.over = true
    clearInterval(this.lease)
    if (this.timer !== null) clearTimeout(this.timer)
    for (const { sinks } of this.watched.values()) for (const [sink, n] of sinks) sink.state(n, 'none')
    this.watched.clear()
    this.byNumber.clear()
  }

  /** A `still` message of the host; one that nobody wants any more, or that is too large, is left out. */
  received(n: number, bytes: Uint8Array): void {
    const watched = this.byNumber.get(n)
    if (watched === undefined || bytes.byteLength > pictureLimits.bytes + stillHead) return
    watched.last = bytes
    watched.state = 'live'
    for (const [sink, theirs] of watched.sinks) sink.picture(theirs, bytes)
  }

  told(n: number, state: PictureState): void {
    const watched = this.byNumber.get(n)
    if (watched === undefined) return
    watched.state = state
    if (state !== 'live') watched.last = null
    for (const [sink, theirs] of watched.sinks) sink.state(theirs, state)
  }

  private want(sink: Sink, items: readonly Wanted[]): void {
    if (this.over) return
    const wanted = new Map(items.map((item) => [keyOf(item), item]))
    let changed = false
    for (const [key, { sinks, n }] of this.watched) {
      if (wanted.has(key) || !sinks.delete(sink) || sinks.size > 0) continue
      this.watched.delete(key)
      this.byNumber.delete(n)
      changed = true
    }
    for (const item of wanted.values()) changed = this.add(sink, item) || changed
    if (changed) this.timer ??= setTimeout(() => this.tell(), togetherMs).unref()
  }

  /** True: the host is to hear of it. */
  private add(sink: Sink, item: Wanted): boolean {
    const { n, sessionId, epoch } = item
    const found = this.watched.get(keyOf(item))
    if (found === undefined) {
      if (this.watched.size >= pictureLimits.tiles) return false
      const watched: Watched = { n: this.next++, sessionId, epoch, sinks: new Map([[sink, n]]), last: null, state: null }
      this.watched.set(keyOf(item), watched)
      this.byNumber.set(watched.n, watched)
      return true
    }
    if (found.sinks.get(sink) === n) return false
    found.sinks.set(sink, n)
    // Who comes later sees what the others see.
    if (found.last !== null) sink.picture(n, found.last)
    else if (found.state !== null) sink.state(n, found.state)
    return false
  }

  private tell(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.send({ type: 'watchPictures', items: [...this.watched.values()].map(({ n, sessionId, epoch }) => ({ n, sessionId, epoch })) })
  }
}
