import type { DesktopUp } from '@helix/contract/desktop-link'
import type { StreamClose } from '@helix/contract/stream'
import type { StreamDown } from '@helix/contract/stream-down'
import type { ViewerUp } from '@helix/contract/stream-talk'
import type { StreamClaims, StreamSeat } from '@helix/contract/stream-tickets'
import type { StreamUp } from '@helix/contract/stream-up'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import { Control } from './control.ts'
import { helloTo } from './hello.ts'
import { Keepsakes } from './keepsakes.ts'
import type { Passes } from './passes.ts'
import { Presence } from './presence.ts'
import { rateFor } from './shared-rate.ts'
import { Source, type Subscriber } from './source.ts'
import { StillFeeds } from './still-feeds.ts'
import { outgoingOf, Viewer, type ViewerHandler } from './viewer.ts'

/** Units: milliseconds. */
const lookEveryMs = 100
const statsEveryMs = 1000
const silentMs = 60_000
const lingerMs = 5000
/** Of one session. */
export const mostViewers = 50

export interface DesktopInput {
  sessionId: string
  address: string
  secret: string
  log: Logger
  passes: Passes
  /** Nobody looks any more, for some seconds. */
  unused(): void
}

/** The desktop of one start of a session, and everybody who looks at it. */
export class Desktop implements ViewerHandler {
  readonly source: Source
  private readonly sessionId: string
  private readonly unused: () => void
  private readonly passes: Passes
  private readonly viewers = new Map<string, Viewer>()
  private readonly unsubscribes = new Map<string, () => void>()
  private readonly feeds: StillFeeds
  private readonly control: Control
  private readonly presence: Presence
  private readonly timer: NodeJS.Timeout
  private others = 0
  private statsAt = 0
  private emptySince = Date.now()
  private readonly keepsakes = new Keepsakes()
  private limits = { fps: 60, pixels: 1920 * 1080 }

  constructor({ sessionId, address, secret, log, passes, unused }: DesktopInput) {
    this.sessionId = sessionId
    this.unused = unused
    this.passes = passes
    this.source = new Source({ address, secret, log: log.child({ sessionId }) })
    this.feeds = new StillFeeds(this.source)
    this.control = new Control(this.source, () => this.controlChanged())
    this.presence = new Presence(this.viewers, (viewer) => this.control.holds(viewer))
    this.source.subscribe({
      wantsFrames: () => false,
      received: (message, bytes) => this.keepsakes.take(message, bytes),
      said: (word) => this.heard(word),
      restarted: () => undefined,
    })
    this.timer = setInterval(() => this.look(), lookEveryMs)
    this.timer.unref()
  }

  get size(): number {
    return this.viewers.size
  }

  /** Somebody looks at it, and not only has it open. */
  get attended(): boolean {
    return [...this.viewers.values()].some(({ wishes, greeted }) => greeted && wishes.visible)
  }

  /** Units: unix milliseconds of the last input of a person. */
  get workedAt(): number {
    return this.control.workedAt
  }

  get congested(): boolean {
    return this.source.congested
  }

  /** `former`: the connection that it comes back for. */
  admit(socket: WebSocket, claims: StreamClaims, relayed: boolean, former: Viewer | null): Viewer {
    const viewer = new Viewer({ socket, claims, relayed, limits: { ...this.limits }, handler: this })
    this.viewers.set(viewer.id, viewer)
    if (former !== null) viewer.replace(former)
    return viewer
  }

  /** Whoever looks in this process: a recorder, a thumbnail. The answer ends it. */
  join(subscriber: Subscriber): () => void {
    this.others += 1
    const unsubscribe = this.source.subscribe(subscriber)
    return () => {
      this.others -= 1
      unsubscribe()
    }
  }

  get seats(): StreamSeat[] {
    return [...this.viewers.values()].map(({ claims: { sessionId, userId, right } }) => ({ sessionId, userId, right }))
  }

  unseat({ sessionId, userId, right }: StreamSeat): void {
    for (const viewer of [...this.viewers.values()]) {
      const { claims } = viewer
      if (claims.sessionId === sessionId && claims.userId === userId && claims.right === right)
        viewer.end('ticket_refused', 'Your right to this desktop was taken back or is another now.')
    }
  }

  closeAll(why: StreamClose, message: string): void {
    for (const viewer of this.viewers.values()) viewer.end(why, message)
    clearInterval(this.timer)
    this.feeds.close()
    this.source.close()
  }

  greeted(viewer: Viewer): void {
    const { screen, failure } = this.source
    if (this.source.hopeless) {
      viewer.end('desktop_failed', failure ?? 'This session has no desktop.')
      return
    }
    if (failure !== null) viewer.error('desktop_failed', failure)
    if (screen !== null) this.welcome(viewer)
    this.control.greet(viewer)
    this.presence.tellViewers()
    viewer.say({ type: 'control', ...this.control.state })
    const unsubscribe = this.source.subscribe({
      wantsFrames: () => viewer.wantsFrames,
      wantsAudio: () => viewer.wishes.audioOn && viewer.wishes.visible,
      ready: () => viewer.delivery.isOpen(Date.now()) && viewer.delivery.silentMs(Date.now()) < 3000,
      received: (message, bytes) => this.pass(viewer, message, bytes),
      said: () => undefined,
      restarted: () => viewer.delivery.pause(),
    })
    this.unsubscribes.set(viewer.id, unsubscribe)
    if (viewer.stills) this.feeds.start(viewer, 500)
    if (!viewer.wantsFrames) return
    // Before the key frame is asked for: it is to be a small one.
    if (viewer.rates.returning) this.follow(Date.now())
    viewer.delivery.restart(Date.now())
  }

  said(viewer: Viewer, word: ViewerUp): void {
    const { wishes } = viewer
    if (word.type === 'keyframe') viewer.delivery.restart(Date.now())
    else if (word.type === 'quality') viewer.rates.preset = word.preset
    else if (word.type === 'take') this.control.take(viewer, word)
    else if (word.type === 'give') this.control.give(viewer)
    else if (word.type === 'stats') wishes.stats = word.on
    else if (word.type === 'visibility') this.show(viewer, () => Object.assign(wishes, { visible: word.visible }))
    else if (word.type === 'audio') this.show(viewer, () => Object.assign(wishes, { audioOn: word.on }))
    else if (word.type === 'stills') this.setStills(viewer, word.on || !wishes.webcodecs, word.everyMs)
    else if (word.type === 'resize') this.resize(viewer, word)
    else if (word.type === 'theme') this.theme(viewer, word.dark)
  }

  acted(viewer: Viewer, message: StreamUp, bytes: Uint8Array): void {
    if (message.type === 'pointer' && !message.relative) {
      viewer.pointer = { x: message.x, y: message.y }
      viewer.pointerMoved = true
    }
    if (!this.control.act(viewer, message, bytes) && message.type !== 'pointer') this.refuse(viewer)
  }

  heardFrom(viewer: Viewer): void {
    this.passes.settle(viewer)
  }

  tookFrame(): void {
    this.source.pace()
  }

  wantsKey(): void {
    this.source.requestKey()
  }

  ended(viewer: Viewer): void {
    this.viewers.delete(viewer.id)
    this.feeds.stop(viewer)
    this.unsubscribes.get(viewer.id)?.()
    this.unsubscribes.delete(viewer.id)
    this.control.left(viewer)
    this.emptySince = Date.now()
    this.presence.tellViewers()
  }

  private refuse(viewer: Viewer): void {
    if (viewer.told) return
    viewer.told = true
    viewer.error('not_controller', 'You are looking on: take control to type and click.')
  }

  private resize(viewer: Viewer, { width, height }: { width: number; height: number }): void {
    if (!this.control.holds(viewer)) {
      this.refuse(viewer)
      return
    }
    this.control.used()
    this.source.send({ type: 'resize', width, height })
  }

  private theme(viewer: Viewer, dark: boolean): void {
    if (this.control.holds(viewer) || this.viewers.size === 1) this.source.send({ type: 'theme', dark })
  }

  /** What it wants is other than before: frames begin with a key frame. */
  private show(viewer: Viewer, change: () => void): void {
    const before = viewer.wantsFrames
    change()
    this.source.changed()
    if (before && !viewer.wantsFrames) viewer.delivery.pause()
    if (!before && viewer.wantsFrames) viewer.delivery.restart(Date.now())
  }

  private setStills(viewer: Viewer, on: boolean, everyMs: number): void {
    this.feeds.stop(viewer)
    this.show(viewer, () => {
      viewer.stills = on
    })
    if (on) this.feeds.start(viewer, everyMs)
  }

  private pass(viewer: Viewer, message: StreamDown, bytes: Uint8Array): void {
    if (message.type === 'frame') viewer.show(outgoingOf(message, bytes), Date.now() - message.capturedUs / 1000)
    else if (message.type === 'audio') {
      if (viewer.wishes.audioOn && viewer.wishes.visible) viewer.pass(bytes)
    } else if (message.type !== 'clipboard') viewer.pass(bytes)
    else if (this.control.holds(viewer)) viewer.pass(bytes)
  }

  private heard(word: DesktopUp): void {
    if (word.type === 'agentAction') {
      this.presence.tell(word)
      return
    }
    if (word.type === 'failed') {
      const { hopeless } = this.source
      for (const viewer of [...this.viewers.values()])
        if (hopeless) viewer.end('desktop_failed', word.message)
        else viewer.error('desktop_failed', word.message)
      return
    }
    this.limits = { ...this.limits, pixels: word.width * word.height }
    for (const viewer of this.viewers.values()) {
      viewer.rates.screen = this.limits
      if (!viewer.greeted) continue
      this.welcome(viewer)
      viewer.say({ type: 'resized', width: word.width, height: word.height })
    }
  }

  private welcome(viewer: Viewer): void {
    const { screen } = this.source
    if (screen === null) return
    viewer.say(helloTo(viewer, screen, this.sessionId, this.passes.give(viewer)))
    for (const bytes of this.keepsakes.cursor) viewer.pass(bytes)
  }

  private controlChanged(): void {
    const { clipboard } = this.keepsakes
    for (const viewer of this.viewers.values()) {
      viewer.told = false
      if (clipboard !== null && this.control.holds(viewer)) viewer.pass(clipboard)
    }
    this.presence.tell({ type: 'control', ...this.control.state })
    this.presence.tellViewers()
  }

  private look(): void {
    const now = Date.now()
    this.control.look(now)
    this.presence.tellPointers()
    for (const viewer of [...this.viewers.values()]) {
      if (!viewer.wantsFrames) continue
      viewer.delivery.look(now)
      if (viewer.delivery.silentMs(now) > silentMs) viewer.end('slow', 'Nothing was taken for a minute: connect again.')
    }
    this.source.pace()
    this.follow(now)
    if (now - this.statsAt >= statsEveryMs) {
      this.statsAt = now
      for (const viewer of this.viewers.values()) if (viewer.wishes.stats) viewer.tellStats()
    }
    if (this.viewers.size + this.others > 0) this.emptySince = now
    else if (now - this.emptySince > lingerMs) this.unused()
  }

  /** The encoder works for who drives, else for the best line. */
  private follow(now: number): void {
    const rate = rateFor([...this.viewers.values()], (viewer) => this.control.holds(viewer), now)
    if (rate !== null) this.source.setRate(rate)
  }
}
