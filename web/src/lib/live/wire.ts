import { helixEvent } from '@helix/contract/events'
import type { Feed, News, Sink } from './news.ts'

/** The part of EventSource that is used, so that a test can hand in its own. */
export interface Source {
  readonly readyState: number
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void
  close(): void
}

export interface WirePorts {
  /** The event stream after this number; null: from now on. */
  open(lastEventId: number | null): Source
  /** One page of events after this number; null: only where the log is now. `more`: ask again at once. */
  page(after: number | null): Promise<News & { more: boolean }>
}

const eventTypes = helixEvent.options.map((option) => option.shape.type.value)
const closed = 2
/** Units: milliseconds. */
const firstDelay = 500
const longestDelay = 15_000
const pollEvery = 2000
/** The server begins with a message: a way to it that holds streams back is found out soon. */
const firstMessage = 8000
/** The server says something every 15 s. */
const longestSilence = 40_000
const tryStreamAgain = 60_000
const failuresBeforePolling = 3

/**
 * The way to the server: its event stream, and where that cannot be had (it fails several times in a row, or opens and stays silent) asking every
 * two seconds, until the stream speaks again. Both go on after the last number that was taken, so changing over loses and doubles nothing.
 */
export class Wire implements Feed {
  private readonly ports: WirePorts
  private sink: Sink | null = null
  private source: Source | null = null
  /** Where the open stream has come. */
  private at: number | null = null
  private failures = 0
  private delay = firstDelay
  private polling = false
  private reconnection: ReturnType<typeof setTimeout> | undefined
  private silence: ReturnType<typeof setTimeout> | undefined
  private nextPoll: ReturnType<typeof setTimeout> | undefined

  constructor(ports: WirePorts) {
    this.ports = ports
  }

  start(sink: Sink): void {
    this.sink = sink
    this.failures = 0
    this.delay = firstDelay
    this.connect()
  }

  stop(): void {
    this.sink = null
    this.hangUp()
    this.stopPolling()
  }

  nudge(): void {
    if (this.sink === null || (this.source !== null && this.source.readyState !== closed && this.failures === 0)) return
    this.delay = firstDelay
    this.connect()
  }

  private connect(): void {
    const { sink } = this
    if (sink === null) return
    this.hangUp()
    this.at = sink.last()
    const source = this.ports.open(this.at)
    this.source = source
    this.listenForSilence(firstMessage)
    const hear = (type: string, take: (message: MessageEvent<string>) => void): void =>
      source.addEventListener(type, (message) => this.source === source && take(message))
    hear('error', () => this.fails(source))
    hear('alive', ({ lastEventId }) => this.receive(lastEventId, null))
    hear('missed', ({ lastEventId }) => {
      this.at = null
      this.receive(lastEventId, null)
    })
    for (const type of eventTypes) hear(type, ({ data, lastEventId }) => this.receive(lastEventId, data))
  }

  private hangUp(): void {
    clearTimeout(this.reconnection)
    clearTimeout(this.silence)
    this.source?.close()
    this.source = null
  }

  private receive(lastEventId: string, data: string | null): void {
    this.failures = 0
    this.delay = firstDelay
    this.stopPolling()
    this.listenForSilence(longestSilence)
    const [after, upTo] = [this.at, Number(lastEventId)]
    this.at = upTo
    // Of a newer server: not known here, and passed over.
    const event = data === null ? undefined : helixEvent.safeParse(JSON.parse(data)).data
    this.sink?.say('live')
    this.sink?.take({ after, upTo, events: event === undefined ? [] : [{ id: upTo, event }] })
  }

  /** The browser reconnects by itself after a cut, but gives up when the answer is an error: then we go on, slower each time. */
  private fails(source: Source): void {
    this.failures += 1
    if (!this.polling) this.sink?.say('reconnecting')
    if (this.failures >= failuresBeforePolling) this.startPolling()
    if (source.readyState === closed) this.reconnectAfter(this.nextDelay())
  }

  private nextDelay(): number {
    this.delay = Math.min(longestDelay, this.delay * 2)
    return this.delay * (0.5 + Math.random() / 2)
  }

  private reconnectAfter(ms: number): void {
    this.hangUp()
    this.reconnection = setTimeout(() => this.connect(), ms)
  }

  private listenForSilence(ms: number): void {
    clearTimeout(this.silence)
    this.silence = setTimeout(() => {
      this.failures += 1
      this.startPolling()
      this.reconnectAfter(tryStreamAgain)
    }, ms)
  }

  private startPolling(): void {
    if (this.polling) return
    this.polling = true
    void this.poll(pollEvery)
  }

  private stopPolling(): void {
    this.polling = false
    clearTimeout(this.nextPoll)
  }

  private async poll(wait: number): Promise<void> {
    const { sink } = this
    let next = pollEvery
    try {
      const news = await this.ports.page(sink?.last() ?? null)
      if (!this.polling || sink === null || this.sink !== sink) return
      sink.say('polling')
      sink.take(news)
      if (news.more) next = 0
    } catch {
      if (!this.polling || sink === null || this.sink !== sink) return
      sink.say('reconnecting')
      next = Math.min(longestDelay, wait * 2)
    }
    this.nextPoll = setTimeout(() => void this.poll(Math.max(next, pollEvery)), next)
  }
}
