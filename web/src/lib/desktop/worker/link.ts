import { closeOf, streamProtocols } from '@helix/contract/stream'
import { encodePing } from '@helix/contract/stream-up'
import { nowUs } from '../clock.ts'
import { Comeback } from './comeback.ts'

/** Units: milliseconds. */
const beatMs = 250
const pingEveryMs = 1000
const patienceMs = 5000
/** Nothing came for so long though something was asked: the line may be cut. */
const quietMs = 600

interface Heard {
  opened(attempt: number): void
  failed(attempt: number, code: number): void
  closed(code: number): void
  received(data: ArrayBuffer | string): void
  /** Another connection took the place of the one that was cut; frames begin anew. */
  cameBack(): void
  /** Units: milliseconds; null: not known yet. */
  rttMs(): number | null
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
  private beatAt = 0
  /** What the host gave for coming back; null: nothing, or it was refused. */
  pass: string | null = null
  private comeback: Comeback | null = null

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
    this.comeback?.giveUp()
    this.comeback = null
    this.pass = null
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
    this.beatAt = performance.now()
    this.pulse = setInterval(() => this.beat(), beatMs)
    this.heard.opened(attempt)
  }

  private took(socket: WebSocket, data: ArrayBuffer | string): void {
    if (socket !== this.open) return
    this.unanswered = null
    this.comeback?.giveUp()
    this.comeback = null
    this.heard.received(data)
  }

  private beat(): void {
    const now = performance.now()
    // This worker itself was held up, and what came meanwhile waits behind this.
    if (now - this.beatAt > 2 * beatMs && this.unanswered !== null) this.unanswered = now
    this.beatAt = now
    const quiet = this.unanswered === null ? 0 : now - this.unanswered
    // A network that went away without a word ends no connection for minutes.
    if (quiet > patienceMs) this.lost(1006)
    else if (quiet > Math.max(quietMs, 4 * (this.heard.rttMs() ?? 0))) this.comeBack()
    else if (now - this.pingedAt > pingEveryMs) this.probe()
  }

  private comeBack(): void {
    if (this.comeback !== null || this.pass === null || this.open === null) return
    const heard = {
      back: (socket: WebSocket, first: ArrayBuffer | string) => this.swap(socket, first),
      refused: () => this.lost(1006),
    }
    this.comeback = new Comeback(heard, this.open.url, this.pass, this.heard.rttMs() ?? 0)
  }

  private swap(socket: WebSocket, first: ArrayBuffer | string): void {
    const former = this.open
    this.comeback = null
    this.open = socket
    former?.close()
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => this.took(socket, data)
    socket.onclose = ({ code }) => this.gone(-1, socket, code)
    this.heard.cameBack()
    this.probe()
    this.took(socket, first)
  }

  private gone(attempt: number, socket: WebSocket, code: number): void {
    // A host ends the old connection when its place is taken, and may be heard before what it says on the new one.
    if (socket === this.open && this.comeback !== null && closeOf(code) === null) return
    if (socket === this.open) this.lost(code)
    else if (this.dialled.delete(attempt)) this.heard.failed(attempt, code)
  }

  private lost(code: number): void {
    this.hangUp()
    this.heard.closed(code)
  }
}
