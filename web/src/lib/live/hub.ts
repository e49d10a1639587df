import type { HelixEvent } from '@helix/contract/events'
import type { Feed, LiveState, News, Numbered, Sink } from './news.ts'

export interface LiveListener {
  onEvent(event: HelixEvent): void
  /** Events may have been missed: read again what is shown. */
  onResync(): void
}

/** Events kept for pages whose data was read a moment before they listened, and for tabs that come later. */
const kept = 500

/**
 * The live events of a tab. Every listener says up to which event its data is known to be current: later events that already came are
 * replayed to it, and a listener that does not know is told to read again. An event is told once, however often it comes.
 */
export class LiveHub implements Sink {
  private readonly feed: Feed
  private readonly onState: (state: LiveState) => void
  private readonly listeners = new Set<LiveListener>()
  /** Who must read again when the first news come. */
  private readonly unsure = new Set<LiveListener>()
  private recent: Numbered[] = []
  /** `recent` holds everything after this number. */
  private floor = 0
  private newest: number | null = null
  private up = false
  private started = false

  constructor(feed: Feed, onState: (state: LiveState) => void) {
    this.feed = feed
    this.onState = onState
  }

  /** The newest event that was seen: what is read after this moment needs no earlier event. Null before the first news. */
  position(): string | null {
    return this.up ? String(this.newest) : null
  }

  start(): void {
    if (this.started) return
    this.started = true
    this.say('connecting')
    this.feed.start(this)
  }

  stop(): void {
    if (!this.started) return
    this.started = false
    this.feed.stop()
    this.up = false
    this.newest = null
    this.recent = []
    this.say('off')
  }

  /** `since`: the position at which the listener's data was read, null when unknown. Returns what ends it. */
  subscribe(listener: LiveListener, since: string | null): () => void {
    this.listeners.add(listener)
    const from = since === null ? null : Number(since)
    if (this.up) this.replay(listener, from)
    else if (from === null || (this.started && this.newest !== null && from < this.newest)) this.unsure.add(listener)
    else this.newest = Math.min(this.newest ?? from, from)
    return () => {
      this.listeners.delete(listener)
      this.unsure.delete(listener)
    }
  }

  private replay(listener: LiveListener, from: number | null): void {
    if (from === null || from < this.floor) queueMicrotask(() => this.listeners.has(listener) && listener.onResync())
    else for (const { id, event } of this.recent) if (id > from) listener.onEvent(event)
  }

  last(): number | null {
    return this.newest
  }

  say(state: LiveState): void {
    this.onState(state)
  }

  since(id: number | null): News | null {
    if (!this.up || this.newest === null) return null
    if (id === null || id < this.floor) return { after: null, upTo: this.newest, events: [] }
    return { after: id, upTo: Math.max(id, this.newest), events: this.recent.filter((one) => one.id > id) }
  }

  take({ after, upTo, events }: News): boolean {
    if (!this.started) return true
    const from = this.newest
    if (after !== null && (from === null || after > from)) return false
    if (after === null || !this.up) this.begin(after === null ? upTo : (from ?? upTo), after === null)
    for (const one of events) this.tell(one)
    this.newest = Math.max(this.newest ?? 0, upTo)
    return true
  }

  /** The first news, or the first after a gap: `all` must read again, or only who did not know how current they were. */
  private begin(position: number, all: boolean): void {
    this.up = true
    this.recent = []
    this.floor = position
    this.newest = position
    const again = all ? [...this.listeners] : [...this.unsure]
    this.unsure.clear()
    for (const listener of again) listener.onResync()
  }

  private tell(one: Numbered): void {
    if (this.newest !== null && one.id <= this.newest) return
    this.newest = one.id
    this.recent.push(one)
    if (this.recent.length > kept * 1.2) {
      const cut = this.recent.length - kept
      this.floor = this.recent[cut - 1]?.id ?? this.floor
      this.recent = this.recent.slice(cut)
    }
    for (const listener of [...this.listeners]) if (this.listeners.has(listener)) listener.onEvent(one.event)
  }
}
