import { type DesktopDown, type DesktopUp, desktopUp } from '@helix/contract/desktop-link'
import { desktopPath, streamLimits } from '@helix/contract/stream'
import { decodeDown, type Still, type StreamDown } from '@helix/contract/stream-down'
import { readTalk } from '@helix/contract/stream-talk'
import { encodeAck } from '@helix/contract/stream-up'
import type { Logger } from 'pino'
import { Backoff } from '../link/backoff.ts'
import { Dialler } from '../link/dialler.ts'
import { KeyRequests } from './key-requests.ts'
import type { Rate } from './rate.ts'

/** Units: milliseconds. */
const stillMs = 3000
/** Units: bytes of input that may wait for the supervisor. */
const mostWaitingBytes = 8 * 1024 * 1024

const mostOwed = 16

export type Screen = Omit<Extract<DesktopUp, { type: 'screen' }>, 'type'>

/** Whoever is shown what a desktop shows: a viewer, a recorder. */
export interface Subscriber {
  /** The capture rests while nobody does. */
  wantsFrames(): boolean
  wantsAudio?(): boolean
  /** Could take a frame now. Without it nothing is paced by this one. */
  ready?(): boolean
  /** `bytes`: the message as it came, to be kept and sent on as it is. */
  received(message: StreamDown, bytes: Uint8Array): void
  said(word: DesktopUp): void
  /** Connected anew: the next frame that can be decoded is a key frame. */
  restarted(): void
}

export interface StillWish {
  maxWidth: number
  maxHeight: number
  quality: number
}

export interface SourceInput {
  /** Host and port of the supervisor. */
  address: string
  secret: string
  log: Logger
}

/**
 * The one connection to a session’s desktop, whoever looks at it. Keeps dialling until it is closed; what was asked for holds on each new connection.
 */
export class Source {
  private readonly dialler: Dialler
  private readonly log: Logger
  private readonly subscribers = new Set<Subscriber>()
  private readonly stills = new Map<number, (still: { message: Still; bytes: Uint8Array } | null) => void>()
  private readonly keys = new KeyRequests(() => this.send({ type: 'keyframe' }))
  private readonly backoff = new Backoff(50, 1500)
  private nextStill = 1
  private watched = 0
  private listened = false
  private rate: Rate | null = null
  private lease: Extract<DesktopDown, { type: 'lease' }> | null = null
  /** Frames that the supervisor waits for, see `paced`. */
  private owed: number[] = []
  screen: Screen | null = null
  /** Why there is no desktop, for people; null: there is one, or it is being started. */
  failure: string | null = null
  /** This session will not have a desktop, whatever is tried. */
  hopeless = false

  constructor({ address, secret, log }: SourceInput) {
    this.log = log
    this.dialler = new Dialler({
      url: `ws://${address}${desktopPath}`,
      token: () => secret,
      longestFrame: streamLimits.downBytes,
      backoff: this.backoff,
      opened: () => this.opened(),
      received: (text) => this.heard(text),
      receivedBytes: (bytes) => this.received(bytes),
      lost: (reason, status) => this.lost(reason, status),
    })
  }

  /** The answer ends it. */
  subscribe(subscriber: Subscriber): () => void {
    this.subscribers.add(subscriber)
    this.changed()
    return () => {
      this.subscribers.delete(subscriber)
      this.changed()
    }
  }

  /** What subscribers want may be other things now. */
  changed(): void {
    const all = [...this.subscribers]
    const count = all.filter((one) => one.wantsFrames()).length
    if (count !== this.watched) {
      const first = this.watched === 0
      this.watched = count
      this.send({ type: 'viewers', count })
      if (first) this.requestKey()
    }
    const on = all.some((one) => one.wantsAudio?.() ?? false)
    if (on !== this.listened) {
      this.listened = on
      this.send({ type: 'audio', on })
    }
    this.pace()
  }

  /** Subscribers may be ready that were not. */
  pace(): void {
    if (this.owed.length === 0 || !this.dialler.open) return
    const pacing = [...this.subscribers].filter((one) => one.ready !== undefined && one.wantsFrames())
    if (pacing.length > 0 && !pacing.some((one) => one.ready?.())) return
    for (const sequence of this.owed) this.dialler.sendBytes(encodeAck({ sequence, decodeUs: 0 }))
    this.owed = []
  }

  requestKey(): void {
    if (this.dialler.open && this.watched > 0) this.keys.request()
  }

  setRate(rate: Rate): void {
    const same = this.rate !== null && JSON.stringify(this.rate) === JSON.stringify(rate)
    if (same) return
    this.rate = rate
    this.send({ type: 'rate', ...rate })
  }

  setLease(lease: Extract<DesktopDown, { type: 'lease' }>): void {
    this.lease = lease
    this.send(lease)
  }

  /** Lost while there is no connection. */
  send(word: DesktopDown): void {
    this.dialler.send(word)
  }

  /** Input as it came from the viewer; lost while there is no connection. */
  input(bytes: Uint8Array): void {
    this.dialler.sendBytes(bytes)
  }

  /** More input waits for the supervisor than it takes. */
  get congested(): boolean {
    return this.dialler.waitingBytes > mostWaitingBytes
  }

  /** Null: there is none now. */
  still(wish: StillWish): Promise<{ message: Still; bytes: Uint8Array } | null> {
    const requestId = this.nextStill
    this.nextStill = (this.nextStill % 0xffff_fffe) + 1
    return new Promise((resolve) => {
      const done = (still: { message: Still; bytes: Uint8Array } | null): void => {
        clearTimeout(timer)
        this.stills.delete(requestId)
        resolve(still)
      }
      const timer = setTimeout(() => done(null), stillMs)
      this.stills.set(requestId, done)
      if (!this.dialler.send({ type: 'still', requestId, ...wish })) done(null)
    })
  }

  close(): void {
    this.dialler.close()
    this.keys.close()
    for (const done of [...this.stills.values()]) done(null)
  }

  private opened(): void {
    this.backoff.reset()
    this.owed = []
    this.send({ type: 'viewers', count: this.watched })
    if (this.rate !== null) this.send({ type: 'rate', ...this.rate })
    if (this.lease !== null) this.send(this.lease)
    if (this.listened) this.send({ type: 'audio', on: true })
    for (const subscriber of [...this.subscribers]) subscriber.restarted()
    this.keys.restart()
    this.requestKey()
  }

  private heard(text: string): void {
    const word = readTalk(desktopUp, text)
    if (word.type === 'refused') {
      this.odd(word.text)
      return
    }
    if (word.type === 'screen') {
      const { type: _, ...screen } = word
      this.screen = screen
      this.failure = null
    }
    if (word.type === 'failed') this.failure = word.message
    for (const subscriber of [...this.subscribers]) subscriber.said(word)
  }

  private received(bytes: Uint8Array): void {
    const message = decodeDown(bytes)
    if (message.type === 'refused') {
      this.odd(message.text)
      return
    }
    if (message.type === 'still') {
      this.stills.get(message.requestId)?.({ message, bytes })
      return
    }
    if (message.type === 'pong') return
    if (message.type === 'frame' && message.key) this.keys.came()
    for (const subscriber of [...this.subscribers]) subscriber.received(message, bytes)
    if (message.type === 'frame' && this.screen?.paced) {
      // A supervisor that does not wait is not remembered for ever.
      if (this.owed.length < mostOwed) this.owed.push(message.sequence)
      this.pace()
    }
  }

  /** What runs as root in a session may stand in the supervisor’s place. */
  private odd(text: string): void {
    this.log.debug({ text }, 'a message of a desktop is not understood and left out')
  }

  private lost(reason: string, status: number | null): void {
    if (status === 409) this.fail(reason, true)
    else if (status === 401 || status === 404)
      this.fail('The machine of this session was started by a version without desktops: suspend the session and resume it.', true)
    else this.log.debug({ reason }, 'no connection to a desktop')
  }

  private fail(message: string, hopeless: boolean): void {
    this.failure = message
    this.hopeless = hopeless
    if (hopeless) this.dialler.close()
    for (const subscriber of [...this.subscribers]) subscriber.said({ type: 'failed', message: message.slice(0, 1000) })
  }
}
