import { streamProtocols } from '@helix/contract/stream'
import { encodePing } from '@helix/contract/stream-up'
import { nowUs } from '../clock.ts'

/** Units: milliseconds. */
const pingEveryMs = 4000
const patienceMs = 5000

interface Heard {
  opened(attempt: number): void
  failed(attempt: number, code: number): void
  closed(code: number): void
  received(data: ArrayBuffer | string): void
}

/** The one connection to the host. It is in the worker so that a busy page delays no picture. */
export class Link {
  private readonly heard: Heard
  private readonly dialled = new Map<number, WebSocket>()
  private open: WebSocket | null = null
  private pulse: ReturnType<typeof setInterval> | undefined
  /** When the ping went that nothing came after; null: something did. */
  private unanswered: number | null = null
  private pingedAt = 0
  private greeted = false

  constructor(heard: Heard) {
    this.heard = heard
  }

  dial(attempt: number, url: string, ticket: string): void {
    const socket = new WebSocket(url, streamProtocols(ticket))
    socket.binaryType = 'arraybuffer'
    this.dialled.set(attempt, socket)
    socket.onopen = () => this.won(attempt, socket)
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => this.took(socket, data)
    socket.onclose = ({ code }) => this.gone(attempt, socket, code)
  }

  /** The first is the page's greeting. */
  send(data: Uint8Array<ArrayBuffer> | string): void {
    if (this.open?.readyState !== WebSocket.OPEN) return
    this.open.send(data)
    if (this.greeted) return
    this.greeted = true
    this.probe()
  }

  /** What the worker has to say by itself: nothing may come before the greeting. */
  add(data: Uint8Array<ArrayBuffer> | string): void {
    if (this.greeted) this.send(data)
  }

  /** Asks at once whether the other side is still there, as after a sleep. */
  probe(): void {
    if (this.open === null) return
    this.pingedAt = performance.now()
    this.unanswered ??= this.pingedAt
    this.add(encodePing({ clientUs: nowUs() }))
  }

  hangUp(): void {
    clearInterval(this.pulse)
    const sockets = [this.open, ...this.dialled.values()]
    this.open = null
    this.dialled.clear()
    for (const socket of sockets) socket?.close(1000)
  }

  private won(attempt: number, socket: WebSocket): void {
    this.dialled.delete(attempt)
    if (this.open !== null) {
      socket.close(1000)
      return
    }
    this.open = socket
    for (const other of this.dialled.values()) other.close(1000)
    this.dialled.clear()
    this.unanswered = null
    this.greeted = false
    this.pulse = setInterval(() => this.beat(), 1000)
    this.heard.opened(attempt)
  }

  private took(socket: WebSocket, data: ArrayBuffer | string): void {
    if (socket !== this.open) return
    this.unanswered = null
    this.heard.received(data)
  }

  private beat(): void {
    const now = performance.now()
    // A network that went away without a word ends no connection for minutes.
    if (this.unanswered !== null && now - this.unanswered > patienceMs) this.lost(1006)
    else if (now - this.pingedAt > pingEveryMs) this.probe()
  }

  private gone(attempt: number, socket: WebSocket, code: number): void {
    if (socket === this.open) this.lost(code)
    else if (this.dialled.delete(attempt)) this.heard.failed(attempt, code)
  }

  private lost(code: number): void {
    this.hangUp()
    this.heard.closed(code)
  }
}
