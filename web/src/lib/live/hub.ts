import { type HelixEvent, helixEvent } from '@helix/contract/events'

/** The part of EventSource that is used, so that a test can hand in its own. */
export interface Source {
  readonly readyState: number
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void
  close(): void
}

export type LiveState = 'off' | 'connecting' | 'live' | 'reconnecting'

export interface LiveListener {
  onEvent(event: HelixEvent): void
  /** Events may have been missed: read again what is shown. */
  onResync(): void
}

const eventTypes = helixEvent.options.map((option) => option.shape.type.value)
const closed = 2
/** Events kept for pages whose data was read a moment before they listened. */
const kept = 500
/** Units: milliseconds. */
const firstDelay = 500
const longestDelay = 15_000

/**
 * The one event stream of a tab. Every listener says up to which event its data is known to be current: later events that already came are
 * replayed to it, and a listener that does not know is told to read again.
 */
export class LiveHub {
  private readonly openSource: (lastEventId: string | null) => Source
  private readonly onState: (state: LiveState) => void
  private readonly listeners = new Set<LiveListener>()
  private recent: { id: number; event: HelixEvent }[] = []
  private source: Source | null = null
  private last: string | null = null
  private opened = false
  private failures = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(openSource: (lastEventId: string | null) => Source, onState: (state: LiveState) => void) {
    this.openSource = openSource
    this.onState = onState
  }

  /** The newest event that was seen: what is read after this moment needs no earlier event. Null before the stream is up. */
  position(): string | null {
    return this.opened ? (this.last ?? '0') : null
  }

  start(): void {
    if (this.source === null) this.connect('connecting')
  }

  stop(): void {
    clearTimeout(this.timer)
    this.source?.close()
    this.source = null
    this.opened = false
    this.onState('off')
  }

  /** `since`: the position at which the listener's data was read, null when unknown. Returns what ends it. */
  subscribe(listener: LiveListener, since: string | null): () => void {
    this.listeners.add(listener)
    if (since === null) {
      // The first opening resyncs everybody who listens then.
      if (this.opened) queueMicrotask(() => this.listeners.has(listener) && listener.onResync())
    } else if (this.source === null) {
      this.last ??= since
    } else {
      this.replay(listener, Number(since))
    }
    return () => this.listeners.delete(listener)
  }

  private replay(listener: LiveListener, since: number): void {
    const oldest = this.recent[0]?.id
    if (this.recent.length === kept && oldest !== undefined && since < oldest) {
      listener.onResync()
      return
    }
    for (const { id, event } of this.recent) if (id > since) listener.onEvent(event)
  }

  private connect(state: LiveState): void {
    this.onState(state)
    const source = this.openSource(this.last)
    const complete = this.last !== null
    this.source = source
    source.addEventListener('open', () => this.opens(complete))
    source.addEventListener('error', () => this.fails(source))
    for (const type of eventTypes) source.addEventListener(type, (message) => this.receive(message))
  }

  private opens(complete: boolean): void {
    this.failures = 0
    this.opened = true
    this.onState('live')
    if (!complete && this.last === null) for (const listener of this.listeners) listener.onResync()
  }

  private receive(message: MessageEvent<string>): void {
    const parsed = helixEvent.safeParse(JSON.parse(message.data))
    this.last = message.lastEventId
    if (!parsed.success) return
    this.recent.push({ id: Number(message.lastEventId), event: parsed.data })
    if (this.recent.length > kept) this.recent = this.recent.slice(-kept)
    for (const listener of this.listeners) listener.onEvent(parsed.data)
  }

  /** The browser reconnects by itself after a cut, but gives up when the answer is an error: then we go on, slower each time. */
  private fails(source: Source): void {
    this.onState('reconnecting')
    if (source.readyState !== closed || this.source !== source) return
    this.failures += 1
    const delay = Math.min(longestDelay, firstDelay * 2 ** this.failures) * (0.5 + Math.random() / 2)
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.connect('reconnecting'), delay)
  }
}
