import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type DesktopDown, type DesktopUp, desktopDown } from '@helix/contract/desktop-link'
import { desktopPath } from '@helix/contract/stream'
import { encodeFrame, encodeStill } from '@helix/contract/stream-down-encode'
import { decodeUp, type StreamUp } from '@helix/contract/stream-up'
import { type WebSocket, WebSocketServer } from 'ws'

/** Stands in a supervisor’s place: what it says is scripted, and what it hears is kept. */
export class ScriptedDesktop implements AsyncDisposable {
  readonly words: DesktopDown[] = []
  readonly input: StreamUp[] = []
  /** Frames the host acknowledged, see `paced`. */
  acknowledged = 0
  sequence = 0
  /** Answers key requests by itself. */
  answersKeys = true
  frameBytes = 2000
  keyBytes = 20_000
  /** The JPEG of stills. */
  picture = Buffer.from('jpeg')
  /** Answered to dials instead of an upgrade. */
  refusal: { status: number; message: string } | null = null
  connections = 0
  private socket: WebSocket | null = null
  private readonly server: Server
  private readonly sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  private readonly screen: Omit<Extract<DesktopUp, { type: 'screen' }>, 'type'>

  private constructor(secret: string, paced: boolean) {
    this.screen = { codec: 'avc1.42c02a', encoder: 'scripted', width: 1280, height: 720, scale: 100, paced }
    this.server = createServer()
    this.server.on('upgrade', (request, socket, head) => {
      const known = request.url === desktopPath && request.headers.authorization === `Bearer ${secret}`
      const { refusal } = this
      if (!known || refusal !== null) {
        const body = JSON.stringify({ error: { code: 'conflict', message: refusal?.message ?? '', requestId: '' } })
        socket.end(
          `HTTP/1.1 ${refusal?.status ?? 401} No\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
        )
        return
      }
      this.sockets.handleUpgrade(request, socket, head, (accepted) => this.accept(accepted))
    })
  }

  static async open(secret: string, paced = true): Promise<ScriptedDesktop> {
    const desktop = new ScriptedDesktop(secret, paced)
    desktop.server.listen(0, '127.0.0.1')
    await once(desktop.server, 'listening')
    return desktop
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  get connected(): boolean {
    return this.socket?.readyState === 1
  }

  say(word: DesktopUp): void {
    this.socket?.send(JSON.stringify(word))
  }

  send(bytes: Uint8Array | string): void {
    this.socket?.send(bytes)
  }

  /** Answers with its sequence. */
  frame(key = false): number {
    this.sequence += 1
    const unit = Buffer.alloc(key ? this.keyBytes : this.frameBytes, this.sequence)
    const { width, height } = this.screen
    const { sequence } = this
    this.send(encodeFrame({ key, refinement: false, width, height, sequence, capturedUs: Date.now() * 1000, unit }))
    return sequence
  }

  /** Units: bytes that the host did not take yet. */
  get waitingBytes(): number {
    return this.socket?.bufferedAmount ?? 0
  }

  /** What was heard is forgotten: it would grow for ever. */
  forget(): void {
    this.words.length = 0
    this.input.length = 0
  }

  /** As when the encoder or the supervisor dies. */
  drop(): void {
    this.socket?.terminate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.sockets.clients) client.terminate()
    this.server.closeAllConnections()
    this.server.close()
  }

  private accept(socket: WebSocket): void {
    this.connections += 1
    this.socket?.close(4000)
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('message', (data: Buffer, isBinary) => (isBinary ? this.received(data) : this.heard(String(data))))
    this.say({ type: 'screen', ...this.screen })
  }

  private received(data: Buffer): void {
    const message = decodeUp(data)
    if (message.type === 'refused') throw new Error(`the host sent nonsense: ${message.text}`)
    if (message.type === 'ack') this.acknowledged += 1
    // Views of the bytes of one message, which are its own.
    else this.input.push(message)
  }

  private heard(text: string): void {
    const word = desktopDown.parse(JSON.parse(text))
    this.words.push(word)
    if (word.type === 'keyframe' && this.answersKeys) this.frame(true)
    if (word.type === 'still')
      this.send(encodeStill({ width: 4, height: 3, sequence: this.sequence, capturedUs: 1, requestId: word.requestId, jpeg: this.picture }))
  }
}
