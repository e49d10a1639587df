import { randomBytes } from 'node:crypto'
import { passPrefix, type Refused, type StreamClose, streamClose, streamVersion } from '@helix/contract/stream'
import type { StreamDown } from '@helix/contract/stream-down'
import { encodePong } from '@helix/contract/stream-down-encode'
import { readTalk, type StreamError, type ViewerDown, type ViewerUp, viewerUp } from '@helix/contract/stream-talk'
import type { StreamClaims } from '@helix/contract/stream-tickets'
import { decodeUp, type StreamUp } from '@helix/contract/stream-up'
import type { WebSocket } from 'ws'
import { Allowance } from './allowance.ts'
import { Delivery, type Outgoing } from './delivery.ts'
import { Meter } from './meter.ts'
import { RateController, type RateLimits } from './rate.ts'

/** Units: milliseconds. */
const helloMs = 10_000
const closeMs = 2000
/** Units: bytes that may wait in this process for one viewer’s line before words and sound are left out, and before it is cut off. */
const mostExtraBytes = 256 * 1024
const mostWaitingBytes = 12 * 1024 * 1024
/** Messages at once and a second; people and their browsers stay far below. */
const words = { burst: 200, perSecond: 50 }
const messages = { burst: 24_000, perSecond: 12_000 }
/** Units: milliseconds that reading rests when there were more. */
const restMs = 100

export interface ViewerHandler {
  greeted(viewer: Viewer): void
  /** For the first time. */
  heardFrom(viewer: Viewer): void
  said(viewer: Viewer, word: ViewerUp): void
  /** Input, as it came. */
  acted(viewer: Viewer, message: StreamUp, bytes: Uint8Array): void
  /** A frame was acknowledged: it may take the next. */
  tookFrame(): void
  wantsKey(): void
  ended(viewer: Viewer): void
  /** Input waits for the desktop already. */
  readonly congested: boolean
}

type Wishes = Extract<ViewerUp, { type: 'hello' }>['capabilities'] & { visible: boolean; audioOn: boolean; stats: boolean }

/** One connection of a person to a desktop. */
export class Viewer {
  readonly id = randomBytes(9).toString('base64url')
  /** With what it may come back. */
  readonly ownPass = passPrefix + randomBytes(24).toString('base64url')
  readonly claims: StreamClaims
  readonly relayed: boolean
  rates: RateController
  readonly delivery: Delivery
  readonly wishes: Wishes = { webcodecs: false, audio: false, stills: false, visible: true, audioOn: false, stats: false }
  /** Stills instead of frames. */
  stills = false
  greeted = false
  /** Where it points; null: nowhere. */
  pointer: { x: number; y: number } | null = null
  pointerMoved = false
  /** It was told that it does not drive. */
  told = false
  /** Units: unix milliseconds; null: it is connected. */
  endedAt: number | null = null
  /** It was sent away, with the reason. */
  dismissed = false
  private readonly socket: WebSocket
  private readonly handler: ViewerHandler
  private readonly meter = new Meter()
  private readonly words = new Allowance(words.burst, words.perSecond)
  private readonly messages = new Allowance(messages.burst, messages.perSecond)
  private resting: NodeJS.Timeout | null = null
  private readonly overdue: NodeJS.Timeout
  private closing = false
  private heard = false

  constructor(input: { socket: WebSocket; claims: StreamClaims; relayed: boolean; limits: RateLimits; handler: ViewerHandler }) {
    this.socket = input.socket
    this.claims = input.claims
    this.relayed = input.relayed
    this.handler = input.handler
    this.rates = new RateController(input.limits)
    this.delivery = new Delivery({
      send: (frame) => this.socket.send(frame.bytes),
      askKey: () => this.handler.wantsKey(),
      line: () => this.rates,
    })
    this.overdue = setTimeout(() => this.end('bad_message', 'No hello came.'), helloMs)
    this.socket.on('message', (data: Buffer, isBinary: boolean) => this.receive(data, isBinary))
    // Its end is told by `close`; a message over the limit is closed by the library with 1009.
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => this.closed())
  }

  get wantsFrames(): boolean {
    return this.greeted && this.wishes.visible && !this.stills && !this.closing
  }

  /** Units: bytes handed to the line and not taken by it. */
  get waitingBytes(): number {
    return this.socket.bufferedAmount
  }

  say(word: ViewerDown): void {
    if (this.closing || this.waitingBytes > mostWaitingBytes) return
    this.socket.send(JSON.stringify(word))
  }

  error(code: StreamError, message: string): void {
    this.say({ type: 'error', code, message })
  }

  show(frame: Outgoing, encodeMs: number): void {
    if (!this.wantsFrames) return
    this.meter.frame(frame.bytes.byteLength, encodeMs)
    this.delivery.offer(Date.now(), frame)
  }

  /** False: it has enough to take. */
  pass(bytes: Uint8Array): boolean {
    if (this.closing || this.waitingBytes > mostExtraBytes) return false
    this.socket.send(bytes)
    return true
  }

  tellStats(): void {
    const { kbps, fps, scale } = this.rates.rate
    const { queue, dropped } = this.delivery
    this.say({ type: 'stats', ...this.meter.read(), queue, dropped, relayed: this.relayed, rate: { kbps, fps, scale } })
  }

  /** Says why, and closes with the code of that name. */
  end(why: StreamClose, message: string): void {
    if (this.closing) return
    if (this.waitingBytes < mostWaitingBytes) this.error(why, message)
    this.dismissed = true
    this.closing = true
    this.socket.close(streamClose[why], cut(message))
    // A peer that does not answer the close keeps nothing here.
    setTimeout(() => this.socket.terminate(), closeMs).unref()
  }

  terminate(): void {
    this.socket.terminate()
  }

  /** Goes on where another connection of the same page is cut off: what that one wished is not said again. */
  replace(former: Viewer): void {
    former.closed()
    former.terminate()
    if (!former.greeted) return
    Object.assign(this.wishes, former.wishes)
    this.stills = former.stills
    this.rates = former.rates
    this.rates.cut()
    this.begin()
  }

  private closed(): void {
    if (this.endedAt !== null) return
    this.endedAt = Date.now()
    this.closing = true
    clearTimeout(this.overdue)
    if (this.resting !== null) clearTimeout(this.resting)
    this.delivery.pause()
    this.handler.ended(this)
  }

  private receive(data: Buffer, isBinary: boolean): void {
    if (this.closing) return
    if (!this.heard) this.handler.heardFrom(this)
    this.heard = true
    if (!this.messages.take() || this.handler.congested) this.rest()
    if (isBinary) this.receiveBytes(data)
    else if (this.words.take()) this.hear(readTalk(viewerUp, String(data)))
    else this.end('too_many', 'Too many messages: wait some seconds and connect again.')
  }

  private hear(word: ViewerUp | Refused): void {
    if (word.type === 'refused') this.odd(word)
    else if (word.type === 'hello') this.hello(word)
    else if (this.greeted) this.handler.said(this, word)
    else this.end('bad_message', 'hello comes first.')
  }

  private receiveBytes(bytes: Buffer): void {
    const message = decodeUp(bytes)
    if (!this.greeted) this.end('bad_message', 'hello comes first.')
    else if (message.type === 'refused') this.odd(message)
    else if (message.type === 'ping') this.pass(encodePong({ clientUs: message.clientUs, serverUs: Date.now() * 1000 }))
    else if (message.type === 'ack') this.acknowledged(message.sequence)
    else this.handler.acted(this, message, bytes)
  }

  private acknowledged(sequence: number): void {
    const now = Date.now()
    const sample = this.delivery.acknowledged(now, sequence)
    if (sample === null) return
    this.meter.acknowledged(sample.delayMs)
    this.rates.acknowledged(now, sample)
    this.handler.tookFrame()
  }

  private hello({ version, capabilities }: Extract<ViewerUp, { type: 'hello' }>): void {
    if (this.greeted) return
    const old = version < streamVersion ? `This host speaks version ${streamVersion}: load the page again.` : null
    const blind = capabilities.webcodecs || capabilities.stills ? null : 'This browser decodes no H.264 and wants no stills: use another.'
    const unsupported = old ?? blind
    if (unsupported !== null) {
      this.end('unsupported', unsupported)
      return
    }
    Object.assign(this.wishes, capabilities)
    this.stills = !capabilities.webcodecs
    this.begin()
  }

  private begin(): void {
    clearTimeout(this.overdue)
    this.greeted = true
    this.handler.greeted(this)
  }

  /** What a version to come may say is left out; anything else ends the connection. */
  private odd({ code, text }: Refused): void {
    if (code === 'unknown_type') return
    this.end(code === 'too_long' ? 'too_large' : 'bad_message', `Not a message of this protocol: ${text}.`)
  }

  /** Who sends too fast waits, and loses nothing. */
  private rest(): void {
    if (this.resting !== null) return
    this.socket.pause()
    this.resting = setTimeout(() => {
      this.resting = null
      this.socket.resume()
    }, restMs)
  }
}

/** What of a frame’s message decides where it goes. */
export const outgoingOf = (message: Extract<StreamDown, { type: 'frame' }>, bytes: Uint8Array): Outgoing => ({
  key: message.key,
  sequence: message.sequence,
  bytes,
})

/** A close frame has room for 123 bytes. */
function cut(message: string): string {
  let text = message
  while (Buffer.byteLength(text) > 120) text = text.slice(0, -1)
  return text
}
