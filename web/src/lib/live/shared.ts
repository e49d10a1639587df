import type { Feed, LiveState, News, Sink } from './news.ts'

/** One of the tabs holds the lock and leads; the promise ends when it gives the lock back, or rejects when another took it by force. */
export interface LockPort {
  request(options: { steal?: boolean; signal?: AbortSignal }, held: () => Promise<void>): Promise<void>
}

export interface ChannelPort {
  post(message: Message): void
  listen(take: (message: Message) => void): void
  close(): void
}

export interface SharedPorts {
  /** This tab's name among the others. */
  tab: string
  lock: LockPort
  channel(): ChannelPort
  /** Only a tab that somebody looks at takes the lead by force. */
  visible(): boolean
}

export type Message =
  /** A tab asks for what came after `last`. */
  | { kind: 'ask'; tab: string; last: number | null }
  /** The leader's answer to one tab. */
  | { kind: 'answer'; tab: string; news: News; state: LiveState }
  | { kind: 'news'; news: News }
  /** The leader is there; also said without news, so that the others can tell when it is gone. */
  | { kind: 'state'; state: LiveState }
  /** The leader began to lead, or knows now where the log is: ask. */
  | { kind: 'leading' }

/** Units: milliseconds. */
const sayEvery = 10_000
const patience = 35_000

/**
 * One connection for all tabs of a person: browsers allow six to a server over HTTP/1.1. One tab leads (a lock of the browser, which passes on when
 * the tab goes), holds the wire and hands its news on. Each tab knows the last number it took and asks for what it lacks, so that a change of
 * leader leaves nothing out; what comes twice is told once by the hub.
 */
export class SharedFeed implements Feed {
  private readonly ports: SharedPorts
  private readonly wire: Feed
  private sink: Sink | null = null
  private channel: ChannelPort | null = null
  private stopped = new AbortController()
  private release: (() => void) | null = null
  private state: LiveState = 'connecting'
  private up = false
  private heardAt = 0
  private clock: ReturnType<typeof setInterval> | undefined

  constructor(ports: SharedPorts, wire: Feed) {
    this.ports = ports
    this.wire = wire
  }

  get leads(): boolean {
    return this.release !== null
  }

  start(sink: Sink): void {
    this.sink = sink
    this.stopped = new AbortController()
    this.channel = this.ports.channel()
    this.channel.listen((message) => this.hear(message))
    this.heardAt = Date.now()
    this.clock = setInterval(() => this.tick(), sayEvery)
    this.ask()
    this.stand(false)
  }

  stop(): void {
    clearInterval(this.clock)
    this.stopped.abort()
    this.stepDown()
    this.channel?.close()
    this.channel = null
    this.sink = null
  }

  nudge(): void {
    if (this.leads) this.wire.nudge()
  }

  /** Waits for the lead; `steal` takes it from a leader that says nothing any more. */
  private stand(steal: boolean): void {
    const { signal } = this.stopped
    // A request by force is granted at once; the one that waits in line stays for later.
    const options = steal ? { steal } : { signal }
    this.ports.lock
      .request(options, () => (signal.aborted || this.leads ? Promise.resolve() : this.lead()))
      .catch(() => {
        if (signal.aborted) return
        // Another tab took the lead by force: stand in line again.
        this.stepDown()
        this.ask()
        this.stand(false)
      })
  }

  private lead(): Promise<void> {
    this.up = false
    const { sink } = this
    if (sink === null) return Promise.resolve()
    const led = new Promise<void>((resolve) => {
      this.release = resolve
    })
    this.wire.start({
      last: () => sink.last(),
      since: (id) => sink.since(id),
      say: (state) => this.say(state),
      take: (news) => this.pass(news),
    })
    this.channel?.post({ kind: 'leading' })
    return led
  }

  private stepDown(): void {
    if (!this.leads) return
    this.wire.stop()
    this.release?.()
    this.release = null
  }

  private say(state: LiveState): void {
    if (this.state !== state) this.channel?.post({ kind: 'state', state })
    this.state = state
    this.sink?.say(state)
  }

  /** The leader's own news, to itself and to the others. */
  private pass(news: News): boolean {
    const taken = this.sink?.take(news) ?? true
    this.channel?.post({ kind: 'news', news })
    if (!this.up) {
      this.up = true
      this.channel?.post({ kind: 'leading' })
    }
    return taken
  }

  private ask(): void {
    if (this.sink !== null) this.channel?.post({ kind: 'ask', tab: this.ports.tab, last: this.sink.last() })
  }

  private hear(message: Message): void {
    const { sink } = this
    if (sink === null) return
    if (message.kind === 'ask') {
      if (this.leads) this.answer(message.tab, message.last)
      return
    }
    if (this.leads || (message.kind === 'answer' && message.tab !== this.ports.tab)) return
    this.heardAt = Date.now()
    if (message.kind === 'leading') this.ask()
    if (message.kind === 'state' || message.kind === 'answer') {
      this.state = message.state
      sink.say(message.state)
    }
    if (message.kind === 'news' || message.kind === 'answer') {
      if (!sink.take(message.news)) this.ask()
    }
  }

  /** Before the wire speaks nothing can be promised: `leading` follows then, and they ask again. */
  private answer(tab: string, last: number | null): void {
    const news = this.up ? (this.sink?.since(last) ?? null) : null
    if (news !== null) this.channel?.post({ kind: 'answer', tab, news, state: this.state })
  }

  private tick(): void {
    if (this.leads) {
      this.channel?.post({ kind: 'state', state: this.state })
      return
    }
    if (!this.ports.visible() || Date.now() - this.heardAt < patience) return
    this.heardAt = Date.now()
    this.stand(true)
  }
}
