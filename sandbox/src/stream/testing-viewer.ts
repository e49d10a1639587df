import { once } from 'node:events'
import { streamProtocols } from '@helix/contract/stream'
import { decodeDown, type Frame, type StreamDown } from '@helix/contract/stream-down'
import { type ViewerDown, type ViewerUp, viewerDown } from '@helix/contract/stream-talk'
import { encodeAck } from '@helix/contract/stream-up'
import { type ClientOptions, WebSocket } from 'ws'

/** A viewer as the protocol’s document describes it; acknowledges every frame unless it is told not to. */
export class TestViewer implements Disposable {
  readonly words: ViewerDown[] = []
  readonly messages: StreamDown[] = []
  readonly frames: Frame[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  acknowledges = true
  /** Frames that need one it did not get, or a key frame. */
  torn = 0
  private last: number | null = null
  private readonly socket: WebSocket

  constructor(url: string, ticket: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(url, streamProtocols(ticket), { perMessageDeflate: false, ...options })
    const closed = Promise.withResolvers<{ code: number; reason: string }>()
    this.closed = closed.promise
    this.socket.on('error', () => undefined)
    this.socket.on('close', (code, reason) => closed.resolve({ code, reason: String(reason) }))
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.received(decodeDown(data))
      else this.words.push(viewerDown.parse(JSON.parse(String(data))))
    })
  }

  /** Connects and greets. */
  static async open(url: string, ticket: string, capabilities: Partial<Extract<ViewerUp, { type: 'hello' }>['capabilities']> = {}) {
    const viewer = new TestViewer(url, ticket)
    await viewer.opened()
    viewer.hello(capabilities)
    return viewer
  }

  async opened(): Promise<void> {
    await Promise.race([once(this.socket, 'open'), this.closed])
  }

  hello(capabilities: Partial<Extract<ViewerUp, { type: 'hello' }>['capabilities']> = {}): void {
    this.say({ type: 'hello', version: 1, capabilities: { webcodecs: true, audio: false, stills: false, ...capabilities } })
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN
  }

  say(word: ViewerUp): void {
    this.socket.send(JSON.stringify(word))
  }

  send(bytes: Uint8Array | string): void {
    this.socket.send(bytes)
  }

  /** Reads nothing any more, as a tab that sleeps. */
  sleep(): void {
    this.socket.pause()
  }

  wake(): void {
    this.socket.resume()
  }

  acknowledge(sequence: number): void {
    this.socket.send(encodeAck({ sequence, decodeUs: 1000 }))
  }

  lastWord<T extends ViewerDown['type']>(type: T): Extract<ViewerDown, { type: T }> | undefined {
    return this.words.findLast((word): word is Extract<ViewerDown, { type: T }> => word.type === type)
  }

  close(): void {
    this.socket.close()
  }

  [Symbol.dispose](): void {
    this.socket.terminate()
  }

  private received(message: ReturnType<typeof decodeDown>): void {
    if (message.type === 'refused') throw new Error(`the host sent nonsense: ${message.text}`)
    this.messages.push(message)
    if (message.type !== 'frame') return
    if (!message.key && (this.last === null || message.sequence !== this.last + 1)) this.torn += 1
    this.last = message.sequence
    this.frames.push(message)
    if (this.acknowledges) this.acknowledge(message.sequence)
  }
}
