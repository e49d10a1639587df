import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import { streamProtocols } from '@helix/contract/stream'
import { isRefused } from '@helix/contract/stream-bytes'
import { decodeDown } from '@helix/contract/stream-down'
import { openDesktop } from '@helix/contract/stream-tickets'
import { encodeAck } from '@helix/contract/stream-up'
import { WebSocket } from 'ws'
import type { Ground } from './ground.ts'

/** A viewer that decodes nothing: what arrives when. */
export class RawViewer implements Disposable {
  private readonly socket: WebSocket
  /** Units: milliseconds from the capture to the arrival of each frame. */
  delays: number[] = []
  /** Units: unix milliseconds of each frame's arrival. */
  arrivals: number[] = []
  frames = 0
  bytes = 0
  /** Type bytes of all that came. */
  readonly types = new Map<number, number>()

  private constructor(socket: WebSocket) {
    this.socket = socket
  }

  static async open(ground: Ground, sessionId: SessionId): Promise<RawViewer> {
    const { ticket, urls } = await ground.call(openDesktop, { params: { sessionId }, body: {} })
    const socket = new WebSocket(urls[0]?.url ?? '', streamProtocols(ticket), { perMessageDeflate: false })
    const viewer = new RawViewer(socket)
    socket.on('message', (data: Buffer, binary) => viewer.took(data, binary))
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    socket.send(JSON.stringify({ type: 'hello', version: 1, capabilities: { webcodecs: true } }))
    return viewer
  }

  /** From now on it takes nothing, as a laptop that was closed. */
  stall(): void {
    this.socket.pause()
  }

  forget(): void {
    this.delays = []
    this.arrivals = []
    this.frames = 0
    this.bytes = 0
    this.types.clear()
  }

  async firstFrame(deadlineMs = 10_000): Promise<void> {
    for (const end = Date.now() + deadlineMs; Date.now() < end && this.frames === 0; ) await sleep(5)
    if (this.frames === 0) throw new Error(`no frame within ${deadlineMs / 1000} s`)
  }

  [Symbol.dispose](): void {
    this.socket.terminate()
  }

  private took(data: Buffer, binary: boolean): void {
    this.bytes += data.byteLength
    const type = binary ? (data[0] ?? 0) : 0
    this.types.set(type, (this.types.get(type) ?? 0) + 1)
    const message = binary ? decodeDown(data) : undefined
    if (message === undefined || isRefused(message) || message.type !== 'frame') return
    const now = performance.timeOrigin + performance.now()
    this.frames++
    this.delays.push(now - message.capturedUs / 1000)
    this.arrivals.push(now)
    this.socket.send(encodeAck({ sequence: message.sequence, decodeUs: 2000 }))
  }
}
